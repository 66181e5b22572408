import {
  ActivationStore,
  type ActivationFilter,
  type ActivationId,
  type ActivationRecord,
  type Claim,
  type DueActivation,
  type Granted,
  type NamespaceId,
  type QueueMessage,
} from '#libs/domain';
import { attemptsMax, lostGraceMs } from '#libs/delivery';
import type pg from 'pg';
import { ask } from '../pools.js';
import { Batcher } from './batcher.js';
import { acceptedAt, columnsOf, recordOf, searchable, summaryOf, transidOf, undashed, type RecordRow } from './records.js';
import * as sql from './statements.js';

const reasons = ['claimed', 'claimed', 'started', 'done', 'done'] as const;

interface Finish {
  readonly record: ActivationRecord;
  readonly attempt: number;
}

/** State and records of a region's activations in its Postgres. Writes of one kind that come at once share a statement. */
export class PgActivationStore extends ActivationStore {
  private readonly accepts: Batcher<QueueMessage, void>;
  private readonly claims: Batcher<Claim, Granted>;
  private readonly starts: Batcher<Claim, Granted>;
  private readonly finishes: Batcher<Finish, boolean>;

  constructor(
    private readonly reads: pg.Pool,
    private readonly writes: pg.Pool,
  ) {
    super();
    const taking = (text: string, name: string) => ({
      flush: (claims: readonly Claim[]) => this.take(name, text, claims),
      key: ({ id }: Claim) => id,
    });
    this.accepts = new Batcher({
      flush: (messages) => this.acceptAll(messages),
      key: ({ id }) => id,
      bytes: ({ body }) => body.length,
    });
    this.claims = new Batcher(taking(sql.claimSql, 'activation-claim'));
    this.starts = new Batcher(taking(sql.startSql, 'activation-start'));
    this.finishes = new Batcher({
      flush: (items) => this.finishAll(items),
      key: ({ record }) => record.activationId,
      bytes: ({ record }) => 1000 + (record.response.result?.length ?? 0) + record.logs.reduce((sum, line) => sum + line.length, 0),
    });
  }

  override async accept(messages: readonly QueueMessage[]): Promise<void> {
    await Promise.all(messages.map((message) => this.accepts.add(message)));
  }

  override claim(claim: Claim): Promise<Granted> {
    return this.claims.add(claim);
  }

  override start(claim: Claim): Promise<Granted> {
    return this.starts.add(claim);
  }

  override async renew(invoker: string, ids: readonly ActivationId[], leaseMs: number): Promise<void> {
    if (ids.length === 0) return;
    await ask(this.writes, { name: 'activation-renew', text: sql.renewSql, values: [invoker, ids, ids.map(acceptedAt), leaseMs] });
  }

  override async release({ id, invoker }: Claim): Promise<void> {
    await ask(this.writes, { name: 'activation-release', text: sql.releaseSql, values: [invoker, id, acceptedAt(id)] });
  }

  override finish(record: ActivationRecord, attempt: number): Promise<boolean> {
    return this.finishes.add({ record, attempt });
  }

  override async due(idleMs: number, limit: number): Promise<DueActivation[]> {
    const rows = await ask<{
      id: string;
      ns: string;
      attempt: number;
      body: Buffer | null;
      verdict: DueActivation['verdict'];
    }>(this.writes, {
      name: 'activation-due',
      text: sql.dueSql,
      values: [idleMs, limit, attemptsMax, lostGraceMs],
    });
    return rows.map(({ id, ns, attempt, body, verdict }) => ({
      id: undashed(id),
      ns: ns as NamespaceId,
      attempt,
      verdict,
      body: body ?? undefined,
    }));
  }

  override async find(
    ns: NamespaceId,
    id: ActivationId,
  ): Promise<{ kind: 'done'; record: ActivationRecord } | { kind: 'pending' } | undefined> {
    const rows = await ask<RecordRow & { state: number }>(this.reads, {
      name: 'activation-find',
      text: sql.findSql,
      values: [id, acceptedAt(id), ns],
    });
    const [row] = rows;
    if (!row || row.state === sql.states.unkept) return undefined;
    return row.state === sql.states.done ? { kind: 'done', record: recordOf(row) } : { kind: 'pending' };
  }

  override async list(ns: NamespaceId, filter: ActivationFilter, page: { skip: number; limit: number }) {
    const by = narrowed(ns, filter);
    const rows = await ask<Pick<RecordRow, 'record'>>(this.reads, {
      name: `activation-list ${by.name}`,
      text: sql.listSql(by),
      values: [...by.values, page.limit, page.skip],
    });
    return rows.map(summaryOf);
  }

  override async listFull(ns: NamespaceId, filter: ActivationFilter, page: { skip: number; limit: number }): Promise<ActivationRecord[]> {
    const by = narrowed(ns, filter);
    const rows = await ask<RecordRow>(this.reads, {
      name: `activation-list-full ${by.name}`,
      text: sql.listFullSql(by),
      values: [...by.values, page.limit, page.skip],
    });
    return rows.map(recordOf);
  }

  override async count(ns: NamespaceId, filter: ActivationFilter): Promise<number> {
    const by = narrowed(ns, filter);
    const rows = await ask<{ n: string }>(this.reads, {
      name: `activation-count ${by.name}`,
      text: sql.countSql(by),
      values: [...by.values],
    });
    return Number(rows[0]?.n ?? 0);
  }

  override async byTransid(transid: string): Promise<ActivationRecord[]> {
    const rows = await ask<RecordRow>(this.reads, { name: 'activation-by-transid', text: sql.byTransidSql, values: [transidOf(transid)] });
    return rows.map(recordOf);
  }

  /** Resolves when every write that was asked for is through. */
  async idle(): Promise<void> {
    await Promise.all([this.accepts.idle(), this.claims.idle(), this.starts.idle(), this.finishes.idle()]);
  }

  private async acceptAll(messages: readonly QueueMessage[]): Promise<void[]> {
    const values = [
      messages.map(({ id }) => id),
      messages.map(({ id }) => acceptedAt(id)),
      messages.map(({ ns }) => ns),
      messages.map(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.length)),
    ];
    await ask(this.writes, { name: 'activation-accept', text: sql.acceptSql, values });
    return messages.map(() => undefined);
  }

  private async take(name: string, text: string, claims: readonly Claim[]): Promise<Granted[]> {
    const ids = claims.map(({ id }) => id);
    const values = [
      ids,
      ids.map(acceptedAt),
      claims.map(({ ns }) => ns),
      claims.map(({ invoker }) => invoker),
      claims.map(({ leaseMs }) => leaseMs),
    ];
    const rows = await ask<{ id: string; attempt: number }>(this.writes, { name, text, values });
    const granted = new Map(rows.map(({ id, attempt }) => [undashed(id), attempt]));
    const refused = ids.filter((id) => !granted.has(id));
    const standing = await this.statesOf(refused);
    return ids.map((id) => {
      const attempt = granted.get(id);
      return attempt === undefined ? { granted: false, because: reasons[standing.get(id) ?? 1] ?? 'claimed' } : { granted: true, attempt };
    });
  }

  private async statesOf(ids: readonly ActivationId[]): Promise<Map<ActivationId, number>> {
    if (ids.length === 0) return new Map();
    const rows = await ask<{ id: string; state: number }>(this.writes, {
      name: 'activation-states',
      text: sql.statesSql,
      values: [ids, ids.map(acceptedAt)],
    });
    return new Map(rows.map(({ id, state }) => [undashed(id), state]));
  }

  private async finishAll(items: readonly Finish[]): Promise<boolean[]> {
    const records = items.map(({ record }) => record);
    const columns = records.map(columnsOf);
    const rows = await ask<{ id: string }>(this.writes, {
      name: 'activation-finish',
      text: sql.finishSql,
      values: [
        records.map((r) => r.activationId),
        records.map((r) => acceptedAt(r.activationId)),
        records.map((r) => r.ns),
        items.map(({ attempt }) => attempt),
        columns.map((c) => c.name),
        columns.map((c) => c.filterName),
        columns.map((c) => c.start),
        columns.map((c) => c.end),
        columns.map((c) => c.duration),
        columns.map((c) => c.status),
        columns.map((c) => c.transid),
        columns.map((c) => c.record),
        columns.map((c) => c.result),
        columns.map((c) => c.logs),
      ],
    });
    const written = new Set(rows.map(({ id }) => undashed(id)));
    return records.map((r) => written.has(r.activationId));
  }
}

function narrowed(ns: NamespaceId, filter: ActivationFilter): sql.Narrowing {
  return sql.narrowing(ns, filter.name === undefined ? filter : { ...filter, name: searchable(filter.name) });
}
