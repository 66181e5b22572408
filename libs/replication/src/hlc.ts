/**
 * Hybrid logical clock: 48 bits of epoch ms, then 16 of counter, compared as one number. A write takes the wall clock, or one more than the
 * version it replaces when that is ahead: so an overwrite is always newer than what it overwrote, however wrong the clocks are.
 *
 * Example: region A's clock is 60 s fast and writes hlc 1060000<<16. A user in B, whose clock says 1000000, sees that and overwrites it:
 * hlc (1060000<<16)+1. The later intention wins everywhere, and B's clock for other rows stays where it was.
 *
 * Known limit: two writes of which neither saw the other are ordered by their clocks, so between those a fast clock wins.
 */
import type { Hlc, RegionCode } from '#libs/domain';

/** A version of a row: ordered by clock, then by region code, so that any two differ or are the same version. */
export interface Version {
  readonly hlc: Hlc;
  readonly origin: RegionCode;
}

/** Largest reading that is taken from outside: past it there would be no room left for the versions that overwrite it. */
export const hlcMax = 2n ** 63n - 2n ** 32n;

/** The reading for a new version: the clock, or just past the replaced version and the last one issued, whichever is later. */
export function nextHlc(nowMs: number, replaced?: Hlc, lastIssued?: Hlc): Hlc {
  const now = BigInt(Math.trunc(nowMs)) << 16n;
  const candidates = [replaced, lastIssued].map((hlc) => (hlc === undefined ? 0n : BigInt(hlc) + 1n));
  return String(candidates.reduce((a, b) => (a > b ? a : b), now)) as Hlc;
}

/** Epoch ms of a reading. */
export function hlcMs(hlc: Hlc): number {
  return Number(BigInt(hlc) >> 16n);
}

/** Below 0 where `a` is the older version, above where it is the newer, 0 for the same one. */
export function compareVersions(a: Version, b: Version): number {
  const [x, y] = [BigInt(a.hlc), BigInt(b.hlc)];
  return x === y ? a.origin - b.origin : x < y ? -1 : 1;
}
