/**
 * A cursor is a place in one region's feed: the transaction and the row it stands behind. The feed's order inside a transaction is the sender's
 * own (its database's collation), so the receiver never sorts places: it takes a batch that starts exactly where it stands, knows one that it has
 * taken already, and answers everything else with its own place, to which the sender goes back. Hence nothing is ever skipped.
 */

/** A place in a feed. `key` is empty before the first row of the transaction. */
export interface Cursor {
  /** Transaction id, decimal. */
  readonly xid: string;
  readonly key: string;
}

/** Where a receiver stands in one peer's feed. Another epoch is another feed: one that lost or regained rows. */
export interface FeedPosition {
  readonly epoch: string;
  readonly cursor: Cursor;
}

/** Before everything. */
export const feedStart: Cursor = { xid: '0', key: '' };

/** Whether two cursors are the same place. */
export function sameCursor(a: Cursor, b: Cursor): boolean {
  return a.xid === b.xid && a.key === b.key;
}

/** The stretch of a feed that a batch covers: what lies past `after`, up to and with `upto`. */
export interface Stretch {
  readonly epoch: string;
  readonly after: Cursor;
  readonly upto: Cursor;
}

/** What a receiver does with a batch. `gap` carries its own place, for the sender to go on from. */
export type Judgement = { readonly kind: 'take' } | { readonly kind: 'duplicate' } | { readonly kind: 'gap'; readonly own: FeedPosition };

/** Judges a batch by the receiver's own place (undefined before the first). A feed of a new epoch is taken from its start. */
export function judgeBatch(own: FeedPosition | undefined, batch: Stretch): Judgement {
  const cursor = own?.epoch === batch.epoch ? own.cursor : feedStart;
  if (sameCursor(batch.after, cursor)) return { kind: 'take' };
  const known = sameCursor(batch.upto, cursor) || BigInt(batch.upto.xid) < BigInt(cursor.xid);
  return known ? { kind: 'duplicate' } : { kind: 'gap', own: { epoch: batch.epoch, cursor } };
}

/** Where a sender goes on: the receiver's place in this feed, or the start when it stands in another. */
export function resumeAt(epoch: string, peer: FeedPosition | undefined): Cursor {
  return peer?.epoch === epoch ? peer.cursor : feedStart;
}
