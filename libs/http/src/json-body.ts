import { Failure } from '#libs/domain';
import { isObject, parseExact, type ExactJson, type ExactObject } from './exact-json.js';
import { readMediaType } from './media-type.js';

/** Requires the content type of a JSON body. Throws as OpenWhisk does where it is another, cannot be read, or is missing. */
export function requireJsonType(contentType: string | undefined): void {
  const type = readMediaType(contentType)?.full;
  if (type !== 'application/json') throw new Failure('unsupported-type', { type: type ?? 'application/octet-stream' });
}

/** The failure for a body that cannot be read. */
export function malformedContent(reason: string): Failure {
  return new Failure('malformed-content', { reason });
}

/** Reads the JSON body of a write, which must have one. Numbers keep their spelling. */
export function readTypedBody(contentType: string | undefined, body: Uint8Array): ExactJson {
  if (body.length > 0) requireJsonType(contentType);
  return parseBody(body);
}

/** Reads the optional JSON object that is sent to an action or a trigger; no body counts as an empty object. */
export function readPayload(contentType: string | undefined, body: Uint8Array): ExactObject {
  if (body.length === 0) return {};
  requireJsonType(contentType);
  const value = parseBody(body, (text) => JSON.parse(text) as ExactJson);
  if (!isObject(value)) throw malformedContent('JSON object expected');
  return value;
}

/** Parses bytes as JSON; throws a malformed-content failure with the parser's words. */
export function parseBody(body: Uint8Array, parse: (text: string) => ExactJson = parseExact): ExactJson {
  if (body.length === 0) throw malformedContent('Unexpected end of JSON input');
  try {
    return parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'));
  } catch (cause) {
    throw new Failure('malformed-content', { reason: cause instanceof Error ? cause.message : String(cause) }, { cause });
  }
}
