import type { IncomingHttpHeaders } from 'node:http';
import type { Answer, AnswerHeaders } from '#libs/http';

/** The longest time that an answer is kept, seconds, whatever it says of itself. */
const maxAgeS = 30 * 60;

/** Statuses of answers that may be told again. */
const statuses = new Set([200, 203, 204, 301, 308, 404, 410]);

/** Headers that say where a request was sent to, or claim to: an action makes links of them without saying so in `Vary`. */
const whereTo = /^(?:host|forwarded|x-host|x-(?:forwarded|original|rewrite|http)-.+)$/;

/** The headers that say where a request was sent to, by name. `X-Forwarded-For` says who sent it, which is for `Vary` to name. */
export function addressedBy(headers: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  const told = Object.entries(headers).filter(([name]) => whereTo.test(name) && name !== 'x-forwarded-for');
  return told.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether a request may be answered from memory: it reads, proves nothing about its sender, and does not ask to be answered anew. */
export function mayAskCache(method: string, headers: IncomingHttpHeaders): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  if (headers.authorization !== undefined || headers['x-require-whisk-auth'] !== undefined || headers.range !== undefined) return false;
  const wishes = directives(headers['cache-control']);
  return !wishes.has('no-store') && !wishes.has('no-cache');
}

/** How long an answer may be told again, ms; 0 for not at all: it must say so itself, be for everyone, and bear no encoding. */
export function keptMs({ status, headers }: Answer): number {
  if (!statuses.has(status)) return 0;
  if (headers['set-cookie'] !== undefined || headers['content-encoding'] !== undefined || varies(headers).includes('*')) return 0;
  const says = directives(textOf(headers['cache-control']));
  if (says.has('no-store') || says.has('private') || says.has('no-cache')) return 0;
  const seconds = says.get('s-maxage') ?? says.get('max-age') ?? '';
  return /^\d{1,9}$/.test(seconds) ? Math.min(Number(seconds), maxAgeS) * 1000 : 0;
}

/** The request headers that an answer depends on, lower case, in order. */
export function varies(headers: AnswerHeaders): string[] {
  const names = (textOf(headers['vary']) ?? '').split(',').map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== ''))].toSorted();
}

function directives(text: string | undefined): ReadonlyMap<string, string> {
  const parts = (text ?? '').split(',').map((part) => part.trim().split('='));
  return new Map(parts.map(([name = '', value = '']) => [name.toLowerCase(), value.replace(/^"(.*)"$/, '$1')]));
}

function textOf(value: AnswerHeaders[string] | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(', ');
}
