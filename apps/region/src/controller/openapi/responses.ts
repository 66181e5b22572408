import { json, ref, text } from './schema.js';
import type { Content, Header, Response, Responses, Schema } from './types.js';

const regionHeader = { 'X-Isochrone-Region': { $ref: '#/components/headers/Region' } };
const transidHeader = { 'X-Request-ID': { $ref: '#/components/headers/Transid' } };
const headers = { ...regionHeader, ...transidHeader };
const retry = { 'Retry-After': { description: 'seconds', schema: { type: 'string', pattern: '^\\d+$' } } } as const;

/** Headers that every answer bears. */
export const sharedHeaders: Readonly<Record<string, Header>> = {
  Region: { description: 'the region that answered; `none` where none could', required: true, schema: { type: 'string', minLength: 1 } },
  Transid: { description: 'the transaction id: the one sent, or a new one', required: true, schema: { type: 'string', minLength: 1 } },
  Activation: { description: 'the activation', required: true, schema: { type: 'string', pattern: '^[0-9a-f]{32}$' } },
};

/** Refusals: the status, what it means, and whether the HTTP layer may give it before any handler is asked. */
const refusals = [
  [400, 'the request is malformed, or asks for what cannot be', true],
  [401, 'no key was sent, or one that is not good', false],
  [403, 'the key is not good for this', false],
  [404, 'there is no such thing', false],
  [405, 'not this method', false],
  [406, 'the answer has no type that is accepted', false],
  [409, 'it is there already, or is something else, or has changed meanwhile', false],
  [413, 'the request is larger than allowed', false],
  [414, 'the target is longer than allowed', true],
  [415, 'the body is of another type than JSON', false],
  [422, 'what is stored contradicts itself', false],
  [429, 'too many at once or within a minute', false],
  [431, 'a header is longer than allowed', true],
  [500, 'a fault of ours', false],
  [501, 'no such protocol', true],
  [502, 'the region was lost while it handled the request', false],
  [503, 'nobody can serve this now', false],
  [504, 'the region that holds this cannot be reached', false],
] as const;

/** A status that refuses. */
export type Refusal = (typeof refusals)[number][0];

/** Every refusal, for the document to hold once. */
export const sharedResponses: Responses = Object.fromEntries(
  refusals.map(([status, description, byEdge]): [string, Response] => [
    `Refused${status}`,
    {
      description,
      headers: {
        ...regionHeader,
        ...(byEdge ? {} : transidHeader),
        ...(status === 429 || status === 503 || status === 504 ? retry : {}),
      },
      content: { ...json(ref('Error')), ...(byEdge ? text() : {}) },
    },
  ]),
);

/** What may become of any request. */
const always: readonly Refusal[] = [400, 406, 414, 431, 500, 501, 502, 503, 504];
/** What may become of a request about what is somebody's. */
export const guarded: readonly Refusal[] = [401, 403, 404];
/** What may become of a request with a body. */
export const withBody: readonly Refusal[] = [413, 415];

/** The answers of an operation: its own, those that any request may get, and the refusals named. What is its own comes first. */
export function answers(own: Responses, ...refused: readonly Refusal[]): Responses {
  const statuses = [...always, ...refused].filter((status) => !(String(status) in own));
  return { ...Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/Refused${status}` }])), ...own };
}

/** An answer of JSON. */
export function answer(
  description: string,
  schema: Schema,
  more: Readonly<Record<string, Header | { readonly $ref: string }>> = {},
): Response {
  return { description, headers: { ...headers, ...more }, content: json(schema) };
}

/** An answer with another body, or none. */
export function plain(description: string, content?: Content): Response {
  return { description, headers, ...(content === undefined ? {} : { content }) };
}

/** The header that names an activation. */
export const activationHeader = { 'x-openwhisk-activation-id': { $ref: '#/components/headers/Activation' } } as const;
