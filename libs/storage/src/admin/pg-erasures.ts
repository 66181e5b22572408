/**
 * Erasing a namespace in one region. The order is a row that replicates; as soon as it stands here, a guard in the database refuses every other
 * row of the namespace, whoever sends it. A sweep then removes what is there: code first, while its addresses are known, then rows, among them the
 * namespace's keys, without which whatever is left anywhere (a backup, a broker's log) cannot be read. Sweeps come again for some days, for what was
 * on its way; each one adds what it found to the region's report. A sweep that is cut short is simply made again.
 */
import { spaces, type NamespaceId, type ObjectStore } from '#libs/domain';
import type pg from 'pg';
import type { NamespaceKeys } from '../keys/namespace-keys.js';
import { ask } from '../pools.js';

/** What a region erased, in numbers. */
export interface ErasureCounts {
  readonly rows: number;
  readonly keys: number;
  readonly blobs: number;
  readonly parked: number;
  readonly conflicts: number;
  readonly activations: number;
  readonly messages: number;
  /** Alarms that went off here. */
  readonly alarms: number;
}

/** How far a region is with a namespace; `sweptAtMs` is undefined until all was looked through once. */
export interface ErasureReport {
  readonly orderedAtMs: number;
  readonly sweptAtMs: number | undefined;
  readonly counts: ErasureCounts;
}

const none: ErasureCounts = { rows: 0, keys: 0, blobs: 0, parked: 0, conflicts: 0, activations: 0, messages: 0, alarms: 0 };
const batch = 2000;
/** Messages of the queue of record and records of journals are not older than this when they appear. */
const againFor = `interval '3 days'`;
const againEvery = `interval '10 minutes'`;

/** The erasures of a region. */
export class PgErasures {
  constructor(
    private readonly pool: pg.Pool,
    private readonly objects: ObjectStore,
    private readonly keys: NamespaceKeys,
  ) {}

  /** Namespaces that are to be swept now. */
  async due(): Promise<NamespaceId[]> {
    const rows = await ask<{ ns: NamespaceId }>(this.pool, {
      name: 'erasure-due',
      text: `select ns from erased_namespace
              where swept_at is null or (swept_at < now() - ${againEvery} and ordered_at > now() - ${againFor}) order by ordered_at limit 100`,
    });
    return rows.map(({ ns }) => ns);
  }

  /** How far this region is, or undefined where it has not heard of the order. */
  async report(ns: NamespaceId): Promise<ErasureReport | undefined> {
    const [row] = await ask<{ ordered_at: Date; swept_at: Date | null; counts: Partial<ErasureCounts> }>(this.pool, {
      name: 'erasure-report',
      text: 'select ordered_at, swept_at, counts from erased_namespace where ns = $1',
      values: [ns],
    });
    return row && { orderedAtMs: row.ordered_at.getTime(), sweptAtMs: row.swept_at?.getTime(), counts: { ...none, ...row.counts } };
  }

  /** Removes whatever is there of a namespace whose order stands here. Twice, or by two processes at once, is once. */
  async sweep(ns: NamespaceId): Promise<ErasureCounts> {
    if (!(await this.report(ns))) return none;
    const blobs = await this.removeCode(ns);
    const names = await this.namesOf(ns);
    const keys = await this.drain('entity', 'space, ns, path', `ns = $1 and space = ${spaces.namespaceKey}`, ns);
    const counts: ErasureCounts = {
      blobs,
      keys,
      rows: await this.drain('entity', 'space, ns, path', `ns = $1 and space <> ${spaces.erasure}`, ns),
      parked: await this.drainAll('entity_parked', 'space, ns, path, origin', [ns, ...names]),
      conflicts: await this.drainAll('entity_conflict', 'id', [ns, ...names]),
      messages: await this.drain('queue_message', 'seq', 'ns = $1', ns),
      alarms: await this.drain('alarm_fire', 'ns, path', 'ns = $1', ns),
      // One condition for each of the table's indexes.
      activations:
        (await this.drain('activation', 'id, accepted_at', 'ns = $1 and state = 3', ns)) +
        (await this.drain('activation', 'id, accepted_at', 'ns = $1 and state = 4', ns)) +
        (await this.drain('activation', 'id, accepted_at', 'ns = $1 and state < 3', ns)),
    };
    for (const table of ['throttle_rate', 'throttle_flight'])
      await ask(this.pool, { text: `delete from ${table} where ns = $1`, values: [ns] });
    this.keys.forget(ns);
    await this.note(ns, counts);
    return counts;
  }

  /** Equal code of two namespaces has two addresses, because their keys differ; one that both have nevertheless is left to the other. */
  private async removeCode(ns: NamespaceId): Promise<number> {
    const rows = await ask<{ blob: string; shared: boolean }>(this.pool, {
      text: `with own as (
               select blob from namespace_blob where ns = $1
               union select (row::jsonb) ->> 'blob' from entity_parked where ns = $1 and (row::jsonb) ->> 'blob' is not null
               union select (loser::jsonb) ->> 'blob' from entity_conflict where ns = $1 and (loser::jsonb) ->> 'blob' is not null)
             select blob, exists (select from namespace_blob o where o.blob = own.blob and o.ns <> $1) as shared from own`,
      values: [ns],
    });
    let removed = 0;
    for (const { blob, shared } of rows) if (!shared && (await this.objects.remove(blob))) removed += 1;
    await ask(this.pool, { text: 'delete from namespace_blob where ns = $1', values: [ns] });
    return removed;
  }

  /** Ids under which rows about the names stand that went with the namespace. */
  private async namesOf(ns: NamespaceId): Promise<NamespaceId[]> {
    const [row] = await ask<{ doc: string | null }>(this.pool, {
      text: `select doc from entity where space = ${spaces.erasure} and ns = $1 limit 1`,
      values: [ns],
    });
    const { names = [] } = JSON.parse(row?.doc ?? '{}') as { names?: NamespaceId[] };
    return names;
  }

  private async drainAll(table: string, key: string, ids: readonly NamespaceId[]): Promise<number> {
    let total = 0;
    for (const ns of ids) total += await this.drain(table, key, 'ns = $1', ns);
    return total;
  }

  /** Deletes the rows that meet a condition, some thousand at a time, and returns how many there were. */
  private async drain(table: string, key: string, condition: string, ns: NamespaceId): Promise<number> {
    for (let total = 0; ;) {
      const gone = await ask(this.pool, {
        text: `delete from ${table} where (${key}) in (select ${key} from ${table} where ${condition} limit ${batch}) returning 1`,
        values: [ns],
      });
      total += gone.length;
      if (gone.length < batch) return total;
    }
  }

  private async note(ns: NamespaceId, counts: ErasureCounts): Promise<void> {
    await ask(this.pool, {
      text: `update erased_namespace set swept_at = clock_timestamp(), counts = (
               select jsonb_object_agg(key, coalesce((counts ->> key)::bigint, 0) + value::text::bigint) from jsonb_each($2::jsonb))
              where ns = $1`,
      values: [ns, JSON.stringify(counts)],
    });
  }
}
