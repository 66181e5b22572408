import { asJsonText, toJsonText, type JsonText, type LimitProfile } from '#libs/domain';
import { integer, jsonAnswer, malformedQuery, type Answer, type Query } from '#libs/http';
import type { Collection } from '../rest/target.js';

/** Which part of a collection is asked for, or how much there is of it. */
export interface Page {
  readonly skip: number;
  readonly limit: number;
  readonly count: boolean;
}

/** Reads `limit`, `skip` and `count`. A limit of 0 means the most that is given at once. */
export function readPage(query: Query, collection: Collection, profile: LimitProfile): Page {
  const limit = readNumber(query, 'limit', collection) ?? standardLimit(collection, profile);
  if (limit < 0 || (query.text('limit') !== undefined && limit > profile.listMax)) {
    throw malformedQuery('limit', `The value '${limit}' is not in the range of 0 to ${profile.listMax} for ${collection}.`);
  }
  const skip = readNumber(query, 'skip', collection) ?? 0;
  if (skip < 0) throw malformedQuery('skip', `The value '${skip}' is not greater than or equal to 0 for ${collection}.`);
  return { skip, limit: limit === 0 ? profile.listMax : limit, count: query.boolean('count', false) };
}

/** How many members of a collection are listed where nobody says. */
export function standardLimit(collection: Collection, profile: LimitProfile): number {
  return collection === 'activations' ? profile.listStd : profile.listDefinitionsStd;
}

/** The answer that tells how many there are behind those that are skipped. */
export function countAnswer(collection: Collection, total: number, { skip }: Page): Answer {
  return jsonAnswer(200, toJsonText({ [collection]: Math.max(0, total - skip) }));
}

/** The answer that lists documents. */
export function listAnswer(documents: readonly JsonText[]): Answer {
  return jsonAnswer(200, asJsonText(`[${documents.join(',')}]`));
}

function readNumber(query: Query, name: 'limit' | 'skip', collection: Collection): number | undefined {
  const text = query.text(name);
  if (text === undefined) return undefined;
  const value = integer(text);
  if (value === undefined) throw malformedQuery(name, `The value '${text}' is not an integer for ${collection}.`);
  return value;
}
