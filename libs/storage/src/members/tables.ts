import { EntitySchema } from 'typeorm';

/** One region that this database has ever known of. */
export interface Member {
  readonly region: string;
  readonly code: number;
  readonly state: 'active' | 'removed';
  /** Goes up each time the state or the address changes. */
  readonly epoch: number;
  /** Base URL of its replication service. */
  readonly url: string;
}

/** Identity of the region's change feed: another after a restore that lost or regained rows. */
export interface FeedEpoch {
  readonly single: boolean;
  readonly epoch: string;
}

/** Table `repl_member`. */
export const MemberTable = new EntitySchema<Member>({
  name: 'Member',
  tableName: 'repl_member',
  columns: {
    region: { type: 'text', primary: true },
    code: { type: 'smallint', unique: true },
    state: { type: 'text' },
    epoch: { type: 'int' },
    url: { type: 'text' },
  },
});

/** Table `feed_epoch`. */
export const FeedEpochTable = new EntitySchema<FeedEpoch>({
  name: 'FeedEpoch',
  tableName: 'feed_epoch',
  columns: { single: { type: 'boolean', primary: true }, epoch: { type: 'uuid' } },
});

/** Tables that change seldom and are read and written through TypeORM; paths of requests use pg. */
export const tables = [MemberTable, FeedEpochTable];
