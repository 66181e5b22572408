import type { QueueMessage } from '#libs/domain';
import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import { deliver } from './deliver.js';
import { decodeMessage, type Requeued } from './kafka-messages.js';
import { batchMax } from './options.js';
import { backoffMs, pause } from './pause.js';

/** How often a batch is tried where it stands, before it goes back to the end of the queue. */
const triesInPlace = 4;

/** What a passage follows. */
export interface PassageRules {
  readonly handle: (batch: readonly QueueMessage[]) => Promise<void>;
  /** How long a message accepted at that time (epoch ms) has still to wait, ms; nothing when it is ripe. */
  readonly waitMs: (timestampMs: number) => number;
  /** Puts messages that nobody could handle back at the end; rejects when that is not possible. */
  readonly putBack: (messages: readonly Requeued[], cause: unknown) => Promise<void>;
  /** Told of a record that is none of ours. */
  readonly skipped: (offset: string) => void;
}

interface Ripe extends Requeued {
  readonly offset: string;
}

/** The way of one fetched batch of one partition: message by message ripens, is handled, and its offset committed. */
export class KafkaPassage {
  private next = 0;

  constructor(
    private readonly payload: EachBatchPayload,
    private readonly rules: PassageRules,
    private readonly alive: () => void,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    const { messages } = this.payload.batch;
    while (this.next < messages.length && this.current()) {
      const first = messages[this.next];
      if (first && this.rules.waitMs(Number(first.timestamp)) > 0) await this.rest(200);
      else await this.pass(this.ripe(messages));
    }
  }

  private current(): boolean {
    return !this.signal.aborted && this.payload.isRunning() && !this.payload.isStale();
  }

  /** Waits a little; without heartbeats the group would think this member dead. */
  private async rest(ms: number): Promise<void> {
    await pause(ms, this.signal);
    if (this.current()) await this.payload.heartbeat();
    this.alive();
  }

  /** The messages from the next one on that have waited long enough, as many as a batch takes. */
  private ripe(messages: readonly KafkaMessage[]): readonly KafkaMessage[] {
    let bytes = 0;
    let end = this.next;
    while (end < messages.length && end - this.next < batchMax.count) {
      const message = messages[end];
      if (!message || this.rules.waitMs(Number(message.timestamp)) > 0) break;
      bytes += message.value?.length ?? 0;
      if (end > this.next && bytes > batchMax.bytes) break;
      end += 1;
    }
    return messages.slice(this.next, end);
  }

  private async pass(records: readonly KafkaMessage[]): Promise<void> {
    const open = await this.tryInPlace(records.flatMap((record) => this.read(record)));
    if (!this.current()) return;
    if (open.messages.length > 0) await this.rules.putBack(open.messages, open.cause);
    const last = records.at(-1);
    if (last) await this.commit(last.offset);
    this.next += records.length;
  }

  /** Returns what could not be handled. Stops trying when the partition has gone to somebody else. */
  private async tryInPlace(batch: readonly Ripe[]): Promise<{ messages: readonly Ripe[]; cause: unknown }> {
    let open = batch;
    let cause: unknown;
    for (let attempt = 1; open.length > 0 && attempt <= triesInPlace && this.current(); attempt += 1) {
      const byMessage = new Map(open.map((ripe) => [ripe.message, ripe]));
      const delivered = await this.beating(deliver([...byMessage.keys()], this.rules.handle));
      this.alive();
      open = delivered.failed.flatMap((message) => byMessage.get(message) ?? []);
      cause = delivered.cause;
      if (open.length > 0) await this.rest(backoffMs(attempt, 200, 1000));
    }
    return { messages: open, cause };
  }

  /** Keeps this member of the group alive while a slow handler works. */
  private async beating<R>(work: Promise<R>): Promise<R> {
    const beat = setInterval(() => {
      // A failed heartbeat shows again at the next step, which is not beside the way.
      this.payload.heartbeat().catch(() => undefined);
    }, 1000);
    try {
      return await work;
    } finally {
      clearInterval(beat);
    }
  }

  private read(record: KafkaMessage): Ripe[] {
    const decoded = decodeMessage(record.value);
    if (!decoded) this.rules.skipped(record.offset);
    return decoded ? [{ ...decoded, offset: record.offset }] : [];
  }

  private async commit(lastOffset: string): Promise<void> {
    const { topic, partition } = this.payload.batch;
    const offset = (BigInt(lastOffset) + 1n).toString();
    await this.payload.commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
    this.payload.resolveOffset(lastOffset);
    await this.payload.heartbeat();
    this.alive();
  }
}
