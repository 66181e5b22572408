import { randomInt } from 'node:crypto';
import type { Transid } from '#libs/domain';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A new text of letters and digits, from a good source of randomness. */
export function randomText(length: number): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}

/** The transaction id of a request: the client's own unless it bears the prefix of system ids or cannot stand in a header; else a new one. */
export function transidOf(given: string | string[] | undefined): Transid {
  const text = Array.isArray(given) ? given[0] : given;
  const usable = text !== undefined && text !== '' && !text.startsWith('sid_') && /^[\x20-\x7e]{1,256}$/.test(text);
  return (usable ? text : randomText(32)) as Transid;
}
