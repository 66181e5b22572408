import { asJsonText, type JsonText } from '#libs/domain';
import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';

/** A number whose spelling a double would change, such as `1.0` or 2^53 + 1. */
export type ExactNumber = LosslessNumber;

/** A parsed JSON value that can be written back digit by digit. */
export type ExactJson = null | boolean | number | string | ExactNumber | readonly ExactJson[] | { readonly [key: string]: ExactJson };

/** A parsed JSON object. */
export type ExactObject = { readonly [key: string]: ExactJson };

/** Deepest nesting that is read, so that no value is too deep to be written again. */
const depthMax = 1000;

/**
 * Parses JSON keeping every number's spelling. Text without such numbers takes the engine's own parser; of a repeated key the last counts.
 * Throws SyntaxError. A text that also names `__proto__` loses spellings rather than that key.
 */
export function parseExact(text: string): ExactJson {
  const value = JSON.parse(text) as ExactJson;
  const { depth, care } = survey(text);
  if (depth > depthMax) throw new SyntaxError(`JSON is nested more than ${depthMax} levels deep`);
  if (!care || text.includes('__proto__')) return value;
  return parse(text, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue }) as ExactJson;
}

/** The compact JSON text of a parsed value. */
export function exactText(value: ExactJson): JsonText {
  return asJsonText(isPlain(value) ? JSON.stringify(value) : (stringify(value) ?? 'null'));
}

/** Whether a value is an object with members, as JSON calls it. */
export function isObject(value: ExactJson | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

/** The double nearest to a number, or undefined where the value is no number. */
export function numberOf(value: ExactJson | undefined): number | undefined {
  if (typeof value === 'number') return value;
  return isLosslessNumber(value) ? Number(value.value) : undefined;
}

/** JSON as the web route writes it: two spaces, `"k": v`, lists on one line, an empty object on three. */
export function prettyText(value: ExactJson, indent = ''): string {
  if (Array.isArray(value)) return `[${value.map((item: ExactJson) => prettyText(item, indent)).join(', ')}]`;
  if (!isObject(value)) return exactText(value);
  const inner = `${indent}  `;
  const members = Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${prettyText(item, inner)}`);
  return `{\n${members.join(',\n')}\n${indent}}`;
}

function parseNumber(text: string): number | LosslessNumber {
  return keepsSpelling(text) ? Number(text) : new LosslessNumber(text);
}

function keepsSpelling(token: string): boolean {
  return String(Number(token)) === token;
}

function isPlain(value: ExactJson): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (isLosslessNumber(value)) return false;
  return Object.values(value).every((item: ExactJson) => isPlain(item));
}

const digit = /[\d.eE+-]/;

/** How deep valid JSON text is nested, and whether it holds a number that a double would spell otherwise. */
function survey(text: string): { depth: number; care: boolean } {
  let depth = 0;
  let open = 0;
  let care = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = stringEnd(text, at);
    else if (code === 0x7b || code === 0x5b) depth = Math.max(depth, (open += 1));
    else if (code === 0x7d || code === 0x5d) open -= 1;
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const start = at;
      while (at + 1 < text.length && digit.test(text[at + 1] ?? '')) at += 1;
      care ||= !keepsSpelling(text.slice(start, at + 1));
    }
  }
  return { depth, care };
}

/** The position of the quote that closes the string opened at `open`. */
function stringEnd(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes += 1;
    if (slashes % 2 === 0) return quote;
  }
  return text.length;
}
