import { ActivationQueue, Failure, type QueueMessage } from '#libs/domain';
import { Partitioners, type EachBatchPayload, type Kafka, type KafkaMessage, type Producer } from 'kafkajs';
import { deliver } from './deliver.js';
import { GroupCommit, within } from './group-commit.js';
import { kafkaClient } from './kafka-client.js';
import { consumeForEver } from './kafka-consumer.js';
import { decodeMessage, encodeMessage, partitionCount, partitionOf, recordBytes, type Requeued } from './kafka-messages.js';
import { checkVersions, durableConfig, ensureTopic, hasLeaders, withAdmin } from './kafka-topics.js';
import { appendDeadlineMs, batchMax, messageBytesMax, standardDelayMs, waitingMax, type MessagingOptions } from './options.js';
import { backoffMs, pause } from './pause.js';

/** How often a batch is tried where it stands, before it goes back to the end of the queue. */
const triesInPlace = 4;

/** The queue of record on Kafka: an append is written by every in-sync replica, an acknowledgement is a committed offset. */
export class KafkaQueue extends ActivationQueue {
  private readonly kafka: Kafka;
  private readonly topic: string;
  private readonly delayMs: number;
  private readonly commits: GroupCommit<Requeued>;
  private producer: Promise<Producer> | undefined;
  private sentAt = 0;

  constructor(private readonly options: MessagingOptions) {
    super();
    this.kafka = kafkaClient(options);
    this.topic = `${options.prefix}activations`;
    this.delayMs = options.delayMs ?? standardDelayMs;
    const laneBytes = messageBytesMax + recordBytes;
    this.commits = new GroupCommit({
      flush: (messages) => this.send(messages),
      size: ({ message }) => ({ lane: partitionOf(message), bytes: message.body.length + recordBytes }),
      // The broker's bound holds for what one send holds for a partition, not for a message.
      bounds: { count: 512, bytes: batchMax.bytes, laneBytes },
      waitingMax: waitingMax.count,
      waitingBytesMax: waitingMax.bytes,
      deadlineMs: appendDeadlineMs,
      failed: (cause) => this.failed(cause),
    });
  }

  override async append(message: QueueMessage): Promise<void> {
    if (message.body.length > messageBytesMax) throw new Failure('too-large');
    await this.commits.append({ message, attempts: 0 });
  }

  override consume(handle: (batch: readonly QueueMessage[]) => Promise<void>, signal: AbortSignal): Promise<void> {
    return consumeForEver(
      {
        kafka: this.kafka,
        groupId: () => `${this.topic}-recovery`,
        topic: this.topic,
        from: 'earliest',
        concurrency: partitionCount,
        logger: this.options.logger,
        prepare: () => this.prepare(),
        eachBatch: (payload, alive) => new Passage(this, payload, alive, handle, signal).run(),
      },
      signal,
    );
  }

  override async healthy(): Promise<boolean> {
    if (Date.now() - this.sentAt < appendDeadlineMs) return true;
    try {
      return await withAdmin(this.kafka, 3000, (admin) => hasLeaders(admin, this.topic));
    } catch {
      return false;
    }
  }

  override async close(): Promise<void> {
    await within(this.commits.idle(), appendDeadlineMs).catch((cause: unknown) =>
      this.options.logger.warn('the queue was closed with appends in flight', {}, cause),
    );
    await this.dropProducer();
  }

  /** How long a message accepted at `timestampMs` has still to wait, ms. */
  waitMs(timestampMs: number): number {
    return Math.min(this.delayMs, timestampMs + this.delayMs - Date.now());
  }

  /** Puts messages that nobody could handle back at the end. */
  async putBack(messages: readonly Requeued[], cause: unknown): Promise<void> {
    this.options.logger.error('messages of the queue could not be handled and come again', { messages: messages.length }, cause);
    await Promise.all(messages.map(({ message, attempts }) => this.commits.append({ message, attempts: attempts + 1 })));
  }

  skipped(offset: string): void {
    this.options.logger.error('a message of the queue is none of ours and was left out', { topic: this.topic, offset });
  }

  private async prepare(): Promise<void> {
    await checkVersions(this.options.brokers);
    const { replication } = this.options;
    const config = durableConfig(replication, messageBytesMax + recordBytes + 1024);
    await ensureTopic(this.kafka, { topic: this.topic, partitions: partitionCount, replication, config });
  }

  private async send(messages: readonly Requeued[]): Promise<void> {
    this.producer ??= this.connectProducer();
    const producer = await this.producer;
    await producer.send({
      topic: this.topic,
      acks: -1,
      timeout: appendDeadlineMs,
      messages: messages.map((requeued) => ({
        key: requeued.message.ns,
        partition: partitionOf(requeued.message),
        value: encodeMessage(requeued),
      })),
    });
    this.sentAt = Date.now();
  }

  /** Not idempotent: its tries would never end, and its sequence numbers do not survive an error; consumers know messages by their id. */
  private async connectProducer(): Promise<Producer> {
    await this.prepare();
    const producer = this.kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      idempotent: false,
    });
    await producer.connect();
    return producer;
  }

  private failed(cause: unknown): void {
    this.options.logger.warn('appends to the queue failed', {}, cause);
    this.sentAt = 0;
    // What has failed or hangs is not trusted with the next flush.
    void this.dropProducer();
  }

  private async dropProducer(): Promise<void> {
    const producer = this.producer;
    this.producer = undefined;
    try {
      if (producer) await within((async () => (await producer).disconnect())(), 2000);
    } catch (cause) {
      this.options.logger.debug('a producer did not end well', { cause: String(cause) });
    }
  }
}

interface Ripe extends Requeued {
  readonly offset: string;
}

/** The way of one fetched batch of one partition: message by message ripens, is handled, and its offset committed. */
class Passage {
  private next = 0;

  constructor(
    private readonly queue: KafkaQueue,
    private readonly payload: EachBatchPayload,
    private readonly alive: () => void,
    private readonly handle: (batch: readonly QueueMessage[]) => Promise<void>,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    const { messages } = this.payload.batch;
    while (this.next < messages.length && this.current()) {
      const first = messages[this.next];
      if (first && this.queue.waitMs(Number(first.timestamp)) > 0) await this.rest(200);
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
      if (!message || this.queue.waitMs(Number(message.timestamp)) > 0) break;
      bytes += message.value?.length ?? 0;
      if (end > this.next && bytes > batchMax.bytes) break;
      end += 1;
    }
    return messages.slice(this.next, end);
  }

  private async pass(records: readonly KafkaMessage[]): Promise<void> {
    const open = await this.tryInPlace(records.flatMap((record) => this.read(record)));
    if (!this.current()) return;
    if (open.messages.length > 0) await this.queue.putBack(open.messages, open.cause);
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
      const delivered = await this.beating(deliver([...byMessage.keys()], this.handle));
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
    if (!decoded) this.queue.skipped(record.offset);
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
