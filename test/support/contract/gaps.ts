import type { Coverage, Sight } from './contract.js';
import { exempt } from './exempt.js';

const sights: readonly Sight[] = ['succeeds', 'refuses strangers', 'refuses bad input'];

/** What no operation was seen to do though it can, one line each; and reasons given in vain. */
export function gaps(coverages: readonly Coverage[]): string[] {
  const operations = [...new Set(coverages.flatMap((coverage) => Object.keys(coverage)))];
  const unseen = operations.flatMap((operation) => {
    const seen = new Set(coverages.flatMap((coverage) => coverage[operation] ?? []));
    return sights.flatMap((sight) => {
      const reason = exempt[operation]?.[sight];
      if (reason !== undefined) return seen.has(sight) ? [`${operation} ${sight}, though '${reason}'`] : [];
      return seen.has(sight) ? [] : [`${operation} was never seen to do this: it ${sight}`];
    });
  });
  const unknown = Object.keys(exempt).filter((operation) => !operations.includes(operation));
  return [...unseen, ...unknown.map((operation) => `there is a reason for ${operation}, and no such operation`)];
}
