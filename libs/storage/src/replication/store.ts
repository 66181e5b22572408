import { Failure, type EntityKey, type Hlc, type RegionCode } from '#libs/domain';
import {
  judgeBatch,
  keyText,
  planApply,
  ReplicaStore,
  requiredKeys,
  type Applied,
  type ApplyFacts,
  type ApplyPlan,
  type FeedPosition,
  type InvalidRow,
  type Judgement,
  type MergeState,
  type ParkedRow,
  type ReplicaRow,
  type Seen,
  type Stretch,
} from '#libs/replication';
import type { Pool, PoolClient } from 'pg';
import { upsertRows } from './upsert.js';
import { keepConflicts } from './conflicts.js';
import { park, parkInvalid, readParked, unpark } from './parked.js';
import { keyArrays } from './rows.js';

const nothing = { changed: [], parked: 0, conflicts: 0, invalid: [] };

/**
 * Applies what peers send. The rows, their conflicts, what is parked and the place in the peer's feed commit together: a crash at any step
 * leaves a state from which the sender simply goes on. The change stamp of every applied row is this transaction, so that rows can be relayed.
 */
export class PgReplicaStore extends ReplicaStore {
  constructor(private readonly pool: Pool) {
    super();
  }

  override async position(peer: RegionCode): Promise<FeedPosition | undefined> {
    const { rows } = await this.pool.query<PositionRecord>(`${selectPosition} where peer = $1`, [peer]);
    return rows[0] && toPosition(rows[0]);
  }

  override take(
    peer: RegionCode,
    stretch: Stretch,
    batch: { rows: readonly ReplicaRow[]; invalid: readonly InvalidRow[]; blobs: ReadonlySet<string> },
  ): Promise<Applied> {
    return this.transaction(async (client) => {
      const judgement = judgeBatch(await lockPosition(client, peer, stretch), stretch);
      if (judgement.kind !== 'take') return { judgement, ...nothing };
      await parkInvalid(client, peer, batch.invalid);
      const applied = await this.apply(client, judgement, batch.rows, batch.blobs);
      await client.query('update repl_cursor set feed_epoch = $2, cur_xid = $3::xid8, cur_key = $4, updated_at = now() where peer = $1', [
        peer,
        stretch.epoch,
        stretch.upto.xid,
        stretch.upto.key,
      ]);
      return { ...applied, invalid: [...batch.invalid.map((row) => row.reason), ...applied.invalid] };
    });
  }

  override merge(rows: readonly ReplicaRow[], blobs: ReadonlySet<string>): Promise<Applied> {
    return this.transaction((client) => this.apply(client, { kind: 'take' }, rows, blobs));
  }

  override parked(after: string, limit: number): Promise<{ rows: readonly ParkedRow[]; next: string | undefined }> {
    return readParked(this.pool, after, limit);
  }

  private async apply(client: PoolClient, judgement: Judgement, rows: readonly ReplicaRow[], blobs: ReadonlySet<string>): Promise<Applied> {
    if (rows.length === 0) return { judgement, ...nothing };
    const facts = await readFacts(client, rows, blobs);
    const plan = planApply(rows, facts);
    const conflicts = await keepConflicts(client, plan, facts.current);
    const { changed, invalid } = await this.write(client, plan);
    if (changed.length > 0) await client.query(`select pg_notify('isochrone_entity', '')`);
    return { judgement, changed, parked: plan.parked.length, conflicts, invalid };
  }

  private async write(client: PoolClient, plan: ApplyPlan): Promise<{ changed: EntityKey[]; invalid: string[] }> {
    const { changed, refused } = await upsertRows(client, plan.visible);
    await park(client, plan.parked);
    await unpark(client, [...plan.visible, ...plan.stale]);
    for (const { row, reason } of refused) await parkInvalid(client, row.origin, [{ raw: row, reason }]);
    return { changed, invalid: refused.map(({ reason }) => reason) };
  }

  private async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch((cause: unknown) => {
      throw new Failure('unavailable', {}, { cause, retryAfterS: 1 });
    });
    let broken = true;
    try {
      await client.query('begin');
      await client.query(
        `select set_config('isochrone.applying', 'on', true), set_config('lock_timeout', '5s', true), set_config('statement_timeout', '20s', true)`,
      );
      try {
        const result = await work(client);
        await client.query('commit');
        broken = false;
        return result;
      } catch (cause) {
        await client.query('rollback');
        broken = false;
        throw isPassing(cause) ? new Failure('unavailable', {}, { cause, retryAfterS: 1 }) : cause;
      }
    } finally {
      client.release(broken);
    }
  }
}

/** A deadlock, a lock or statement that took too long, a server that is full or ends: the same batch has a chance when it comes again. */
function isPassing(cause: unknown): boolean {
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' && /^(40|53|55|57|08)/.test(code);
}

interface PositionRecord {
  feed_epoch: string;
  cur_xid: string;
  cur_key: string;
}

const selectPosition = 'select feed_epoch, cur_xid::text as cur_xid, cur_key from repl_cursor';

function toPosition(record: PositionRecord): FeedPosition {
  return { epoch: record.feed_epoch, cursor: { xid: record.cur_xid, key: record.cur_key } };
}

/** Batches of one peer are applied one after another: each holds the peer's place from reading it to moving it. */
async function lockPosition(client: PoolClient, peer: RegionCode, stretch: Stretch): Promise<FeedPosition | undefined> {
  await client.query(
    `insert into repl_cursor (peer, feed_epoch, cur_xid, cur_key, updated_at) values ($1, $2, '0', '', now()) on conflict (peer) do nothing`,
    [peer, stretch.epoch],
  );
  const { rows } = await client.query<PositionRecord>(`${selectPosition} where peer = $1 for update`, [peer]);
  return rows[0] && toPosition(rows[0]);
}

async function readFacts(client: PoolClient, rows: readonly ReplicaRow[], blobs: ReadonlySet<string>): Promise<ApplyFacts> {
  const standing = await client.query<{
    space: number;
    ns: string;
    path: string;
    hlc: Hlc;
    origin: RegionCode;
    deleted: boolean;
    seen: Seen;
  }>(
    `select space, ns, path, hlc, origin, deleted, seen from entity
      where (space, ns, path) in (select * from unnest($1::smallint[], $2::uuid[], $3::text[])) order by space, ns, path for update`,
    keyArrays(rows),
  );
  const current = new Map<string, MergeState>(standing.rows.map((row) => [keyText(row as unknown as EntityKey), row]));
  const needed = requiredKeys(rows);
  const found =
    needed.length === 0
      ? []
      : (
          await client.query<{ space: number; ns: string; path: string }>(
            `select space, ns, path from entity
              where not deleted and (space, ns, path) in (select * from unnest($1::smallint[], $2::uuid[], $3::text[]))`,
            keyArrays(needed),
          )
        ).rows;
  return { current, visible: new Set(found.map((row) => keyText(row as unknown as EntityKey))), blobs };
}
