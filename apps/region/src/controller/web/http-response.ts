import {
  exactText,
  isJsonFamily,
  isObject,
  jsonType,
  numberOf,
  prettyText,
  readMediaType,
  type Answer,
  type AnswerHeaders,
  type ExactJson,
  type ExactObject,
} from '#libs/http';
import { isBinaryType, renderedType } from './media-registry.js';
import { invalidAs, type Untold } from './untold.js';

const invalid = invalidAs('message/http');
const mismatch: Untold = { status: 400, error: 'Response type in header did not match generated content type.' };
const unknownType: Untold = { status: 400, error: 'Response did not specify a known content-type.' };

/** Headers that belong to the connection or to the platform, whatever an action returns. */
const dropped = new Set([
  'x-gw-cache',
  'content-length',
  'transfer-encoding',
  'date',
  'server',
  'connection',
  'keep-alive',
  'upgrade',
  'trailer',
  'x-request-id',
  'x-openwhisk-activation-id',
]);

/** All headers of an answer together, bytes: proxies and browsers give up on more. */
const headerBytesMax = 32 * 1024;

const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;
const base64Pattern = /^[A-Za-z0-9+/]*={0,2}$/;

/** The response that an action describes as `{statusCode, headers, body}`, each of which may be missing. */
export function httpAnswer(value: ExactJson): Answer | Untold {
  if (!isObject(value)) return invalid;
  const read = readHeaders(value['headers']);
  const body = value['body'];
  const empty = body === undefined || body === null || body === '';
  const status = readStatus(value['statusCode'], empty ? 204 : 200);
  if (!read || status === undefined) return invalid;
  if (empty || status === 304 || status === 204) return { status, headers: read.headers };
  const content = typeof body === 'string' ? textContent(body, read.type) : jsonContent(body, read.type);
  return 'error' in content ? content : { status, headers: read.headers, ...content };
}

type Content = { readonly type: string; readonly body: string | Uint8Array };

function textContent(body: string, given: string | undefined): Content | Untold {
  if (given === undefined) return { type: 'text/html; charset=UTF-8', body };
  const type = readMediaType(given);
  if (!type) return unknownType;
  if (!isBinaryType(type)) return { type: renderedType(type), body: isJsonFamily(type) && looksEncoded(body) ? decoded(body) : body };
  return base64Pattern.test(body) && body.replace(/=+$/, '').length % 4 !== 1 ? { type: given.trim(), body: decoded(body) } : mismatch;
}

function jsonContent(body: ExactJson, given: string | undefined): Content | Untold {
  const type = given === undefined ? undefined : readMediaType(given);
  if (given === undefined || type?.full === jsonType) return { type: jsonType, body: prettyText(body) };
  return type && isJsonFamily(type) ? { type: `${type.full}; charset=UTF-8`, body: prettyText(body) } : mismatch;
}

/** A status that may end a response: 200 to 599; what comes before the end of one is no answer. */
function readStatus(value: ExactJson | undefined, absent: number): number | undefined {
  if (value === undefined || value === null) return absent;
  const status = typeof value === 'string' && /^\d{1,6}$/.test(value.trim()) ? Number(value) : numberOf(value);
  return status !== undefined && Number.isInteger(status) && status >= 200 && status <= 599 ? status : undefined;
}

/** Headers by lower-case name, the content type apart; undefined where one cannot be sent. */
function readHeaders(value: ExactJson | undefined): { headers: AnswerHeaders; type: string | undefined } | undefined {
  if (value === undefined) return { headers: {}, type: undefined };
  if (!isObject(value)) return undefined;
  const lines = headerLines(value);
  if (!lines) return undefined;
  const headers = new Map<string, string[]>();
  for (const [name, text] of lines) headers.set(name, [...(headers.get(name) ?? []), text]);
  const bytes = lines.reduce((sum, [name, text]) => sum + name.length + text.length, 0);
  if (bytes > headerBytesMax) return undefined;
  const type = headers.get('content-type')?.[0];
  const kept = [...headers].filter(([name]) => name !== 'content-type' && !dropped.has(name) && !name.startsWith('x-isochrone-'));
  return { headers: Object.fromEntries(kept.map(([name, texts]) => [name, texts.length === 1 ? (texts[0] ?? '') : texts])), type };
}

function headerLines(object: ExactObject): [string, string][] | undefined {
  const lines: [string, string][] = [];
  for (const [name, value] of Object.entries(object)) {
    if (!tokenPattern.test(name)) return undefined;
    for (const item of Array.isArray(value) ? (value as readonly ExactJson[]) : [value]) {
      const text = headerText(item);
      if (text === undefined || !valuePattern.test(text)) return undefined;
      lines.push([name.toLowerCase(), text]);
    }
  }
  return lines;
}

function headerText(value: ExactJson): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || numberOf(value) !== undefined ? exactText(value) : undefined;
}

function looksEncoded(body: string): boolean {
  const text = body.trim();
  return text.length % 4 === 0 && base64Pattern.test(text);
}

function decoded(body: string): Uint8Array {
  return Buffer.from(body, 'base64');
}
