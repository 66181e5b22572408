/**
 * Merging is taking the greater version of a key: commutative, associative and idempotent, so rows may come in any order, twice, and over any
 * path. Beside its version a row carries `seen`: for each region, the newest of its versions that went into this one. A version that replaces
 * another without having seen it was written at the same time as that; the loser of such a pair is kept for its author, in the regions where
 * the two met: a loser that is overwritten before it was sent never reaches the others.
 */
import type { Hlc } from '#libs/domain';
import { compareVersions, type Version } from './hlc.js';

/** Newest version of each other region that a row's author had before him: keyed by region code. */
export type Seen = Readonly<Record<string, Hlc>>;

/** What merging needs to know of a row. */
export interface MergeState extends Version {
  readonly seen: Seen;
  readonly deleted: boolean;
}

/** What becomes of an incoming row. `concurrent`: winner and loser did not know of each other, so the loser is worth keeping. */
export type Merge =
  | { readonly kind: 'apply'; readonly concurrent: boolean }
  | { readonly kind: 'stale'; readonly concurrent: boolean }
  | { readonly kind: 'same' };

/** Decides between the row that stands (undefined where there is none) and one that came. */
export function merge(current: MergeState | undefined, incoming: MergeState): Merge {
  if (!current) return { kind: 'apply', concurrent: false };
  const order = compareVersions(incoming, current);
  if (order === 0) return { kind: 'same' };
  return order > 0 ? { kind: 'apply', concurrent: unseen(current, incoming) } : { kind: 'stale', concurrent: unseen(incoming, current) };
}

/** What a local write that replaces `current` has seen. */
export function seenAfter(current: MergeState | undefined): Seen {
  return current ? { ...current.seen, [String(current.origin)]: current.hlc } : {};
}

function unseen(loser: MergeState, winner: MergeState): boolean {
  if (loser.origin === winner.origin || (loser.deleted && winner.deleted)) return false;
  return BigInt(winner.seen[String(loser.origin)] ?? '0') < BigInt(loser.hlc);
}
