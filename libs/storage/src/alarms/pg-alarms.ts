import { spaces, type EntityId, type EntityRow, type NamespaceId } from '#libs/domain';
import type pg from 'pg';
import { columns, toEntityRow, type DatabaseRow } from '../entities/rows.js';
import { ask } from '../pools.js';

/** The right to make an alarm go off for one time, given once in a region. Times epoch ms. */
export interface AlarmFire {
  readonly ns: NamespaceId;
  readonly path: string;
  readonly alarm: EntityId;
  readonly dueMs: number;
  readonly claimedMs: number;
  /** How often the alarm went off here, this time included. */
  readonly fires: number;
  /** Whether it was seen to, one way or another. */
  readonly done: boolean;
}

interface FireRecord {
  readonly ns: string;
  readonly path: string;
  readonly alarm: string;
  readonly due: string;
  readonly claimed: string;
  readonly fires: string;
  readonly done: boolean;
}

/** What watching over the alarms of a region takes beside their rows. */
export class PgAlarms {
  constructor(private readonly pool: pg.Pool) {}

  /**
   * Rows of alarms, tombstones too, that changed since `horizon`, and the horizon for the next call. Some may come again; none is missed: no
   * transaction that ends later is older than the horizon.
   */
  async changedSince(horizon: string): Promise<{ rows: EntityRow[]; horizon: string }> {
    const rows = await ask<Partial<DatabaseRow> & { horizon: string }>(this.pool, {
      name: 'alarm-changes',
      text: `select h.xmin::text as horizon, ${columns} from (select pg_snapshot_xmin(pg_current_snapshot()) as xmin) h
             left join entity on space = $1 and change_xid >= $2::xid8`,
      values: [spaces.alarm, horizon],
    });
    const found = rows.filter((row) => row.path !== null) as unknown as DatabaseRow[];
    return { rows: found.map(toEntityRow), horizon: rows[0]?.horizon ?? horizon };
  }

  /** The last fire of every alarm. */
  async fires(): Promise<AlarmFire[]> {
    const rows = await ask<FireRecord>(this.pool, {
      name: 'alarm-fires',
      text: 'select ns, path, alarm, due, claimed, fires, done from alarm_fire',
    });
    return rows.map(toFire);
  }

  /** Claims the right to make an alarm go off for `dueMs`; undefined where that time, or a later one, was claimed before. */
  async claim(wanted: Pick<AlarmFire, 'ns' | 'path' | 'alarm' | 'dueMs'>, nowMs: number): Promise<AlarmFire | undefined> {
    const [row] = await ask<FireRecord>(this.pool, {
      name: 'alarm-claim',
      text: `insert into alarm_fire as f (ns, path, alarm, due, claimed, fires, done) values ($1, $2, $3, $4, $5, 1, false)
             on conflict (ns, path) do update set alarm = excluded.alarm, due = excluded.due, claimed = excluded.claimed, done = false,
               fires = case when f.alarm = excluded.alarm then f.fires + 1 else 1 end
             where f.alarm <> excluded.alarm or f.due < excluded.due
             returning ns, path, alarm, due, claimed, fires, done`,
      values: [wanted.ns, wanted.path, wanted.alarm, wanted.dueMs, nowMs],
    });
    return row && toFire(row);
  }

  /** Notes that a claimed fire was seen to. */
  async done({ ns, path, alarm, dueMs }: AlarmFire): Promise<void> {
    await ask(this.pool, {
      name: 'alarm-done',
      text: 'update alarm_fire set done = true where ns = $1 and path = $2 and alarm = $3 and due = $4',
      values: [ns, path, alarm, dueMs],
    });
  }

  /** Whether an alarm is still there. Rows of an erased namespace go without a tombstone, so that `changedSince` does not tell of them. */
  async stands({ ns, path, alarm }: Pick<AlarmFire, 'ns' | 'path' | 'alarm'>): Promise<boolean> {
    const rows = await ask(this.pool, {
      name: 'alarm-stands',
      text: 'select 1 from entity where space = $1 and ns = $2 and path = $3 and entity_id = $4 and not deleted',
      values: [spaces.alarm, ns, path, alarm],
    });
    return rows.length > 0;
  }

  /** Forgets the fires of an alarm that is gone; those of one that took its place stay. */
  async forget({ ns, path }: { readonly ns: NamespaceId; readonly path: string }): Promise<void> {
    await ask(this.pool, {
      name: 'alarm-forget',
      text: `delete from alarm_fire f where ns = $2 and path = $3 and not exists (
               select from entity e where e.space = $1 and e.ns = f.ns and e.path = f.path and e.entity_id = f.alarm and not e.deleted)`,
      values: [spaces.alarm, ns, path],
    });
  }

  /** Codes of the regions that have told of their changes since a time, epoch ms. */
  async heardSince(sinceMs: number): Promise<number[]> {
    const rows = await ask<{ peer: number }>(this.pool, {
      name: 'alarm-heard',
      text: 'select peer from repl_cursor where updated_at >= to_timestamp($1::float8 / 1000)',
      values: [sinceMs],
    });
    return rows.map(({ peer }) => peer);
  }

  /** Notes that the alarms are under watch now, and tells when they last were; undefined where never. Times epoch ms. */
  async watch(nowMs: number): Promise<number | undefined> {
    const [row] = await ask<{ before: string | null }>(this.pool, {
      name: 'alarm-watch',
      text: `with before as (select at from alarm_watch), noted as (
               insert into alarm_watch (one, at) values (true, $1) on conflict (one) do update set at = excluded.at
             ) select (select at from before) as before`,
      values: [nowMs],
    });
    return row?.before === null || row?.before === undefined ? undefined : Number(row.before);
  }
}

function toFire(row: FireRecord): AlarmFire {
  return {
    ns: row.ns as NamespaceId,
    path: row.path,
    alarm: row.alarm as EntityId,
    dueMs: Number(row.due),
    claimedMs: Number(row.claimed),
    fires: Number(row.fires),
    done: row.done,
  };
}
