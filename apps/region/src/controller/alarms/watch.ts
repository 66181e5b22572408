import type { RegionCode } from '#libs/domain';

/** For how long each other region has been out of reach, ms, by code; 0 while it answers. */
export type OutOfReach = ReadonlyMap<RegionCode, number>;

/**
 * Whether this region makes an alarm go off: the owner does, for as long as it can be reached; after `takeoverMs` out of reach the least code among
 * the others does, and the owner again as soon as it answers. An owner that left the world counts as out of reach.
 *
 * Known limit: where the line between two regions is cut and both live, each believes the other gone, and both make it go off.
 */
export function firesHere(self: RegionCode, owner: RegionCode, others: OutOfReach, takeoverMs: number): boolean {
  if (owner === self) return true;
  const away = (code: RegionCode): boolean => (others.get(code) ?? Infinity) >= takeoverMs;
  if (!away(owner)) return false;
  return [...others.keys()].every((code) => code > self || code === owner || away(code));
}
