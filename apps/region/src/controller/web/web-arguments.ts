import { toJsonText, type JsonText } from '#libs/domain';
import { exactText, isJsonFamily, isObject, parseBody, queryPairs, readMediaType, type MediaType } from '#libs/http';
import { isBinaryType } from './media-registry.js';

/** Argument names that belong to the platform. */
export const reservedNames = ['__ow_method', '__ow_headers', '__ow_path', '__ow_user', '__ow_query', '__ow_body'] as const;

/** A web request as its action is to see it. */
export interface WebRequest {
  readonly method: string;
  readonly path: string;
  /** As received, without the `?`. */
  readonly query: string;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
  /** Namespace of a caller whose credentials are good. */
  readonly user: string | undefined;
}

/** Arguments by name, and the names that the caller chose: those that must not be reserved or final. */
export interface WebArguments {
  readonly members: ReadonlyMap<string, JsonText>;
  readonly chosen: readonly string[];
}

type Members = readonly (readonly [string, JsonText])[];

const octets: MediaType = { full: 'application/octet-stream', main: 'application', sub: 'octet-stream' };

/** The arguments of a web action: metadata, then the query, then the fields of the body; a later one of a name wins. Throws on broken JSON. */
export function webArguments(request: WebRequest): WebArguments {
  const query: Members = queryPairs(request.query).map(([key, value]) => [key, toJsonText(value)]);
  const { fields, whole } = readBody(request);
  const chosen = [...query, ...fields].map(([key]) => key);
  return { members: new Map([...metadata(request), ...query, ...fields, ...whole]), chosen };
}

/** The arguments of a raw web action: nothing is taken apart, JSON and binary bodies arrive as base64. */
export function rawArguments(request: WebRequest): WebArguments {
  const type = bodyType(request);
  const text = type.full === 'application/json' ? base64(request.body) : bodyText(request.body, type);
  const members: Members = [
    ...metadata(request),
    ['__ow_query', toJsonText(new URLSearchParams(request.query).toString())],
    ['__ow_body', toJsonText(request.body.length === 0 ? '' : text)],
  ];
  return { members: new Map(members), chosen: [] };
}

function metadata({ method, path, rawHeaders, user }: WebRequest): Members {
  return [
    ['__ow_method', toJsonText(method.toLowerCase())],
    ['__ow_headers', toJsonText(headersOf(rawHeaders))],
    ['__ow_path', toJsonText(path)],
    ...(user === undefined ? [] : [['__ow_user', toJsonText(user)] as const]),
  ];
}

/** The headers of a request as its action sees them: of several lines of a name, the last. */
export function headersOf(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  const pairs = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1] ?? ''] as const] : []));
  return Object.fromEntries(pairs.filter(([name]) => name !== 'content-length' && name !== 'transfer-encoding'));
}

function readBody(request: WebRequest): { fields: Members; whole: Members } {
  const { body } = request;
  const type = bodyType(request);
  if (body.length === 0) return { fields: [], whole: [] };
  if (isJsonFamily(type)) {
    const value = parseBody(body);
    return isObject(value)
      ? { fields: Object.entries(value).map(([key, item]) => [key, exactText(item)]), whole: [] }
      : { fields: [], whole: [['__ow_body', exactText(value)]] };
  }
  if (type.full === 'application/x-www-form-urlencoded') {
    return { fields: queryPairs(Buffer.from(body).toString('utf8')).map(([key, value]) => [key, toJsonText(value)]), whole: [] };
  }
  return { fields: [], whole: [['__ow_body', toJsonText(bodyText(body, type))]] };
}

function bodyType({ rawHeaders }: WebRequest): MediaType {
  return readMediaType(headersOf(rawHeaders)['content-type']) ?? octets;
}

function bodyText(body: Uint8Array, type: MediaType): string {
  return isBinaryType(type) ? base64(body) : Buffer.from(body).toString('utf8');
}

function base64(body: Uint8Array): string {
  return Buffer.from(body).toString('base64');
}
