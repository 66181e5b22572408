import { ActivationQueue, Failure, type ActivationId, type NamespaceId, type QueueMessage } from '#libs/domain';
import type pg from 'pg';
import { deliver } from './deliver.js';
import { GroupCommit, within } from './group-commit.js';
import { appendDeadlineMs, batchMax, messageBytesMax, standardDelayMs, waitingMax, type MessagingOptions } from './options.js';
import { backoffMs, pause } from './pause.js';
import { openPool } from './postgres-pool.js';

const insert = `
  insert into queue_message (topic, id, ns, body, visible_at, attempts)
  select $1, m.id, m.ns, m.body, now() + $2 * interval '1 millisecond', 0
  from unnest($3::uuid[], $4::uuid[], $5::bytea[]) as m(id, ns, body)`;

// Takes the oldest rows that nobody else holds, as many as fit, and hides them for the lease.
const take = `
  with ripe as materialized (
    select seq, visible_at, octet_length(body) as bytes from queue_message
    where topic = $1 and visible_at <= now() order by visible_at, seq limit $2 for update skip locked
  ), fitting as (
    select seq from (select seq, sum(bytes) over (order by visible_at, seq) - bytes as before from ripe) s where before < $3
  )
  update queue_message q set visible_at = now() + $4 * interval '1 millisecond', attempts = attempts + 1
  from fitting where q.seq = fitting.seq
  returning q.seq, q.id, q.ns, q.body, q.attempts`;

const acknowledge = `delete from queue_message where seq = any($1::bigint[])`;

const postpone = `
  update queue_message q set visible_at = now() + f.ms * interval '1 millisecond'
  from unnest($1::bigint[], $2::bigint[]) as f(seq, ms) where q.seq = f.seq`;

/** How long a taken batch stays hidden from other consumers: a handler that takes longer sees it again. */
const leaseMs = 60_000;
const pollMs = 500;

interface Row {
  readonly seq: string;
  readonly id: string;
  readonly ns: string;
  readonly body: Buffer;
  readonly attempts: number;
}

interface Held extends QueueMessage {
  readonly seq: string;
  readonly attempts: number;
}

/** The queue of record as a table of the region's Postgres: an append is a committed row, an acknowledgement its deletion. */
export class PostgresQueue extends ActivationQueue {
  private readonly pool: pg.Pool;
  private readonly topic: string;
  private readonly delayMs: number;
  private readonly commits: GroupCommit<QueueMessage>;

  constructor(private readonly options: MessagingOptions) {
    super();
    this.pool = openPool(options, 3);
    this.topic = `${options.prefix}activations`;
    this.delayMs = options.delayMs ?? standardDelayMs;
    this.commits = new GroupCommit({
      flush: (messages) => this.insert(messages),
      size: (message) => ({ lane: 0, bytes: message.body.length }),
      bounds: { count: 256, bytes: batchMax.bytes, laneBytes: batchMax.bytes },
      waitingMax: waitingMax.count,
      waitingBytesMax: waitingMax.bytes,
      deadlineMs: appendDeadlineMs,
      failed: (cause) => options.logger.warn('appends to the queue failed', {}, cause),
    });
  }

  override async append(message: QueueMessage): Promise<void> {
    if (message.body.length > messageBytesMax) throw new Failure('too-large');
    await this.commits.append(message);
  }

  override async consume(handle: (batch: readonly QueueMessage[]) => Promise<void>, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const taken = await this.step(handle);
        failures = 0;
        if (taken < batchMax.count) await pause(pollMs, signal);
      } catch (cause) {
        failures += 1;
        this.options.logger.warn('the queue cannot be read, trying again', { failures }, cause);
        await pause(backoffMs(failures, 200, 5000), signal);
      }
    }
  }

  override async healthy(): Promise<boolean> {
    try {
      await within(this.pool.query('select 1'), 2000);
      return true;
    } catch {
      return false;
    }
  }

  override async close(): Promise<void> {
    await within(this.commits.idle(), appendDeadlineMs).catch((cause: unknown) =>
      this.options.logger.warn('the queue was closed with appends in flight', {}, cause),
    );
    await this.pool.end();
  }

  private async insert(messages: readonly QueueMessage[]): Promise<void> {
    await this.pool.query({
      name: 'queue-insert',
      text: insert,
      values: [this.topic, this.delayMs, messages.map((m) => m.id), messages.map((m) => m.ns), messages.map((m) => bufferOf(m.body))],
    });
  }

  /** Takes and handles one batch; returns how many messages it held. */
  private async step(handle: (batch: readonly QueueMessage[]) => Promise<void>): Promise<number> {
    const { rows } = await this.pool.query<Row>({
      name: 'queue-take',
      text: take,
      values: [this.topic, batchMax.count, batchMax.bytes, leaseMs],
    });
    if (rows.length === 0) return 0;
    const { handled, failed, cause } = await deliver(rows.map(held), handle);
    if (handled.length > 0) await this.pool.query({ name: 'queue-ack', text: acknowledge, values: [handled.map((m) => m.seq)] });
    if (failed.length > 0) {
      this.options.logger.error('messages of the queue could not be handled and come again', { messages: failed.length }, cause);
      const values = [failed.map((m) => m.seq), failed.map((m) => backoffMs(m.attempts, 500, 60_000))];
      await this.pool.query({ name: 'queue-postpone', text: postpone, values });
    }
    return rows.length;
  }
}

function held({ seq, id, ns, body, attempts }: Row): Held {
  return { seq, id: id.replaceAll('-', '') as ActivationId, ns: ns as NamespaceId, body, attempts };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
