import type { EntityKey, RegionCode } from '#libs/domain';
import type { Circuit } from './backoff.js';
import type { Cursor, FeedPosition, Judgement, Stretch } from './cursor.js';
import type { Missing } from './plan.js';
import type { ReplicaRow } from './row.js';

/** A stretch of a region's feed with the rows that a peer is to get. */
export interface FeedPage {
  readonly rows: readonly ReplicaRow[];
  /** Where the stretch ends; rows that the peer does not need may lie before it. */
  readonly upto: Cursor;
  /** Whether the feed was read to its present end. */
  readonly drained: boolean;
}

/** What one reader of the feed wants. */
export interface FeedQuery {
  readonly peer: RegionCode;
  /** Rows of every origin but the peer's own, for a peer that others cannot reach; else this region's own rows only. */
  readonly relay: boolean;
  readonly rowsMax: number;
  /** Bytes of documents in one page, roughly; a single row may exceed it. */
  readonly bytesMax: number;
}

/** The changes of a region in the order of the transactions that made them, none left out: the entity table is its own log. */
export abstract class ChangeFeed {
  /** Identity of this feed; another after a restore that lost or regained rows. */
  abstract epoch(): Promise<string>;
  /** The rows past a place. A row is seen once every transaction that could be ordered before it has ended. */
  abstract after(cursor: Cursor, query: FeedQuery): Promise<FeedPage>;
  /** Rows not yet past a place (counted up to a bound) and the age of the oldest, ms. */
  abstract pending(cursor: Cursor, query: FeedQuery): Promise<{ readonly rows: number; readonly oldestMs: number }>;
  /** Rows by key, tombstones too: what a peer asks for when it misses parents. */
  abstract rows(keys: readonly EntityKey[]): Promise<ReplicaRow[]>;
}

/** A row of a peer that could not be read. */
export interface InvalidRow {
  readonly raw: unknown;
  readonly reason: string;
}

/** What an applied batch changed. */
export interface Applied {
  readonly judgement: Judgement;
  /** Keys whose visible row changed. */
  readonly changed: readonly EntityKey[];
  readonly parked: number;
  readonly conflicts: number;
  /** Rows that were put aside as unreadable, with why. */
  readonly invalid: readonly string[];
}

/** A row that waits for something. */
export interface ParkedRow {
  readonly row: ReplicaRow;
  readonly missing: Missing;
  /** Region that wrote it. */
  readonly origin: RegionCode;
}

/** The receiving side of a region's definitions. */
export abstract class ReplicaStore {
  /** Where this region stands in a peer's feed. */
  abstract position(peer: RegionCode): Promise<FeedPosition | undefined>;
  /** Applies a batch and moves the position, in one transaction: either all of it happened or nothing did. */
  abstract take(
    peer: RegionCode,
    stretch: Stretch,
    batch: { readonly rows: readonly ReplicaRow[]; readonly invalid: readonly InvalidRow[]; readonly blobs: ReadonlySet<string> },
  ): Promise<Applied>;
  /** Applies rows that came outside the feed (parents that were asked for, parked rows that may be ready), in one transaction. */
  abstract merge(rows: readonly ReplicaRow[], blobs: ReadonlySet<string>): Promise<Applied>;
  /** Parked rows in the order of their keys, past `after`; unreadable ones are left out. */
  abstract parked(after: string, limit: number): Promise<{ readonly rows: readonly ParkedRow[]; readonly next: string | undefined }>;
}

/** What an operator sees of the line to a peer. */
export interface PeerStatus {
  readonly peer: RegionCode;
  /** Age of the oldest change that the peer has not acknowledged, ms; 0 where it has all. */
  readonly lagMs: number;
  readonly pending: number;
  readonly state: Circuit;
  /** The place in our feed that the peer has acknowledged; absent before the first word of it. */
  readonly acked?: FeedPosition;
}
