import { Failure, toJsonText, type LimitProfile, type Parameter } from '#libs/domain';
import { exactText, parseExact, type ExactJson, type ExactObject } from '#libs/http';

/** What an action is called with: the text of an object as bytes, or nothing, and the names of its members. */
export interface Payload {
  readonly keys: ReadonlySet<string>;
  readonly body: Uint8Array;
}

/** A list in place of arguments, as the result of another activation may be: it is passed on as it is. */
export interface ListPayload {
  readonly list: Uint8Array;
}

/** The payload that a result, or the argument of a flow, becomes. `text` is the text of a JSON object or list. */
export function payloadOf(text: string): Payload | ListPayload {
  const body = Buffer.from(text);
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? { list: body } : { keys: new Set(Object.keys(value ?? {})), body };
}

/** The arguments that default parameters and a payload become. */
export function argumentsOf(defaults: readonly Parameter[], payload: Payload | ListPayload): Arguments {
  if (!('list' in payload)) return mergeArguments(defaults, payload.keys, payload.body);
  return { args: Buffer.from(payload.list), env: mergeArguments(defaults, new Set(), new Uint8Array(0)).env };
}

/** What a run gets: the arguments, and the environment of a sandbox that has yet to be initialised. */
export interface Arguments {
  /** The text of a JSON object. */
  readonly args: Buffer;
  readonly env: Readonly<Record<string, string>>;
}

/** Metadata of a message that fits beside a payload of the largest size, bytes. */
const messageMargin = 6068;

/** Throws where a request's body is larger than a payload may be; its announced length is believed first. */
export function checkRequestSize(contentLength: string | undefined, body: Uint8Array, { payloadBytes: limit }: LimitProfile): void {
  const bytes = Math.max(Number(contentLength ?? 0) || 0, body.length);
  if (bytes > limit) throw new Failure('field-too-large', { field: 'Request', bytes, limit });
}

/** Throws where arguments, environment and what else travels with them are larger than one message may be. */
export function checkMessageSize({ args, env }: Arguments, metadataBytes: number, { payloadBytes }: LimitProfile): void {
  const envBytes = Object.entries(env).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (args.length + envBytes + metadataBytes > payloadBytes + messageMargin) throw new Failure('too-large');
}

/**
 * Lays a payload over default parameters, key by key. The payload's own bytes stay as they are: the defaults that it does not name are
 * put in front of them. `init` parameters go to the environment and never among the arguments, not even when the payload names them.
 * `keys` are the payload's, `body` is the text of an object, or nothing.
 */
export function mergeArguments(defaults: readonly Parameter[], keys: ReadonlySet<string>, body: Uint8Array): Arguments {
  const init = defaults.filter((parameter) => parameter.init);
  const front = defaults
    .filter(({ key, init: isInit }) => !isInit && !keys.has(key))
    .map(({ key, value }) => `${toJsonText(key)}:${value}`);
  const overridden = init.some(({ key }) => keys.has(key)) ? takeOut(body, init) : undefined;
  const inner = overridden?.left ?? innerOf(keys, body);
  const env = Object.fromEntries(init.map(({ key, value }) => [key, envText(overridden?.taken.get(key) ?? value)]));
  const head = Buffer.from(`{${front.join(',')}${front.length > 0 && inner.length > 0 ? ',' : ''}`);
  return { args: Buffer.concat([head, inner, Buffer.from('}')]), env };
}

/** Throws where a payload names a protected parameter: one with a value, of an action whose parameters are final. */
export function checkProtected(
  isFinal: boolean,
  defaults: readonly Parameter[],
  keys: Iterable<string>,
  reserved: readonly string[] = [],
): void {
  const locked = new Set([...reserved, ...(isFinal ? defaults.filter(({ value }) => value !== 'null').map(({ key }) => key) : [])]);
  for (const key of keys) {
    if (locked.has(key)) {
      throw new Failure('bad-request', { reason: 'Request defines parameters that are not allowed (e.g., reserved properties).' });
    }
  }
}

/** A value as an environment variable: texts as they are, null as nothing, anything else as JSON text. */
function envText(value: string): string {
  const parsed: unknown = value.startsWith('"') || value === 'null' ? JSON.parse(value) : undefined;
  if (parsed === null) return '';
  return typeof parsed === 'string' ? parsed : value;
}

/** The bytes between the braces of an object's text; none where it has no members. */
function innerOf(keys: ReadonlySet<string>, body: Uint8Array): Uint8Array {
  return keys.size === 0 ? new Uint8Array(0) : body.subarray(body.indexOf(0x7b) + 1, body.lastIndexOf(0x7d));
}

/** The members that are named, and the text of the others. */
function takeOut(body: Uint8Array, named: readonly { readonly key: string }[]): { taken: Map<string, string>; left: Uint8Array } {
  const members = Object.entries(parseExact(Buffer.from(body).toString('utf8')) as ExactObject);
  const isNamed = ([key]: readonly [string, ExactJson]): boolean => named.some((parameter) => parameter.key === key);
  const left = members.filter((member) => !isNamed(member)).map(([key, value]) => `${toJsonText(key)}:${exactText(value)}`);
  return { taken: new Map(members.filter(isNamed).map(([key, value]) => [key, exactText(value)])), left: Buffer.from(left.join(',')) };
}
