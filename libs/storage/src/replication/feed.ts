import type { EntityKey, RegionCode } from '#libs/domain';
import { ChangeFeed, hlcMs, type Cursor, type FeedPage, type FeedQuery, type ReplicaRow } from '#libs/replication';
import type { Hlc } from '#libs/domain';
import type { Pool, PoolClient } from 'pg';
import { cursorBehind, cursorValues, keyArrays, replicaColumns, toReplicaRow, type ReplicaRecord } from './rows.js';

/** Rows that `pending` counts before it says "at least". */
const pendingMax = 10_000;

const past = '(change_xid, space, ns, path) > ($1::xid8, $2::smallint, $3::uuid, $4::text)';
const wanted = 'case when $5::boolean then origin <> $6::smallint else origin = $7::smallint end';

/**
 * The entity table read as its own change log. Rows are ordered by the transaction that last changed them and read below the snapshot's xmin:
 * every smaller transaction has ended, so nothing can appear later behind a place that was passed. Reading by a growing id would lose the rows
 * of transactions that drew their number early and committed late. Only the primary may be read: a replica shows commits in another order.
 *
 * Known limit: a write transaction that stays open holds the whole feed back; `pending` counts what waits behind it too.
 */
export class PgChangeFeed extends ChangeFeed {
  constructor(
    private readonly pool: Pool,
    private readonly self: RegionCode,
  ) {
    super();
  }

  override async epoch(): Promise<string> {
    const { rows } = await this.pool.query<{ epoch: string }>('select epoch from feed_epoch');
    if (!rows[0]) throw new Error('the feed has no epoch');
    return rows[0].epoch;
  }

  override async after(cursor: Cursor, query: FeedQuery): Promise<FeedPage> {
    const { rows } = await this.pool.query<{ xmin: string; found: string; xid: string | null } & ReplicaRecord>(pageSql, [
      ...cursorValues(cursor),
      query.relay,
      query.peer,
      this.self,
      query.rowsMax,
      query.bytesMax,
    ]);
    const records = rows.filter((row) => row.xid !== null);
    const last = records.at(-1);
    const first = rows[0];
    if (!first) throw new Error('the feed gave no horizon');
    const drained = records.length === Number(first.found) && records.length < query.rowsMax;
    const upto = drained ? { xid: first.xmin, key: '' } : last?.xid ? cursorBehind(last.xid, toReplicaRow(last)) : cursor;
    return { rows: records.map(toReplicaRow), upto, drained };
  }

  override async pending(cursor: Cursor, query: FeedQuery): Promise<{ rows: number; oldestMs: number }> {
    const { rows } = await this.pool.query<{ n: number; oldest: string | null }>(
      `select count(*)::int as n, min(hlc)::text as oldest
         from (select hlc from entity where ${past} and ${wanted} order by change_xid, space, ns, path limit $8) waiting`,
      [...cursorValues(cursor), query.relay, query.peer, this.self, pendingMax],
    );
    const oldest = rows[0]?.oldest;
    return { rows: rows[0]?.n ?? 0, oldestMs: oldest ? Math.max(0, Date.now() - hlcMs(oldest as Hlc)) : 0 };
  }

  override rows(keys: readonly EntityKey[]): Promise<ReplicaRow[]> {
    return readRows(this.pool, keys);
  }
}

/** Rows of the entity table by key, tombstones too. */
export async function readRows(on: Pool | PoolClient, keys: readonly EntityKey[]): Promise<ReplicaRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await on.query<ReplicaRecord>(
    `select ${replicaColumns} from entity where (space, ns, path) in (select * from unnest($1::smallint[], $2::uuid[], $3::text[]))`,
    keyArrays(keys),
  );
  return rows.map(toReplicaRow);
}

/** One statement, so one snapshot: the horizon that it reports is the horizon that it read below. */
const pageSql = `
with horizon as (select pg_snapshot_xmin(pg_current_snapshot()) as xmin),
page as (
  select found.*, row_number() over feed as n,
         sum(coalesce(octet_length(doc), 0) + coalesce(octet_length(sealed), 0) + 500) over feed as bytes
    from (select ${replicaColumns}, change_xid from entity
           where ${past} and change_xid < (select xmin from horizon) and ${wanted}
           order by change_xid, space, ns, path limit $8) found
  window feed as (order by change_xid, space, ns, path)
)
select horizon.xmin::text as xmin, (select count(*) from page) as found, page.change_xid::text as xid, ${replicaColumns}
  from horizon left join page on page.bytes <= $9::bigint or page.n = 1
 order by page.n`;
