import type { Logger } from '#libs/telemetry';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { within } from './group-commit.js';
import { messageBytesMax, batchMax } from './options.js';
import { backoffMs, pause } from './pause.js';
import { withAdmin } from './kafka-topics.js';

/**
 * A consumer that does not stay dead. kafkajs gives up after an error it judges final and tells so by an event only; and it can stall without
 * one. So each consumer is watched, and replaced by a new one whenever it ends, or when messages wait and none was handled for a while.
 */
export interface SupervisedConsumer {
  readonly kafka: Kafka;
  /** Asked for each consumer anew. A group that outlives its consumer makes the next one wait until the old is known to be dead. */
  readonly groupId: () => string;
  readonly topic: string;
  /** Where a group without offsets starts. `latest` is for events whose loss is harmless: it also skips after an outage. */
  readonly from: 'earliest' | 'latest';
  readonly concurrency: number;
  readonly logger: Logger;
  /** Makes what the consumer needs, before each consumer: topics may be gone. */
  readonly prepare: () => Promise<void>;
  /** Handles one batch. Calls `alive` whenever it did something, resolves offsets and commits by itself. */
  readonly eachBatch: (payload: EachBatchPayload, alive: () => void) => Promise<void>;
  /** Called when a new consumer has fetched for the first time. */
  readonly started?: () => void;
}

const stalledMs = 30_000;
const checkMs = 5000;
const joinMs = 60_000;

/** Consumes until `signal` aborts, whatever happens to brokers and consumers in between. */
export async function consumeForEver(spec: SupervisedConsumer, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      await spec.prepare();
      const since = Date.now();
      const end = await oneConsumer(spec, signal);
      if (signal.aborted) return;
      if (Date.now() - since > joinMs) failures = 0;
      spec.logger.warn('the consumer ended and is made again', { topic: spec.topic, because: end });
    } catch (cause) {
      spec.logger.warn('no consumer can be made, trying again', { topic: spec.topic, failures }, cause);
    }
    await pause(backoffMs(failures + 1, 200, 5000), signal);
  }
}

/** Runs one consumer until it ends; the result says why. */
async function oneConsumer(spec: SupervisedConsumer, signal: AbortSignal): Promise<string> {
  const groupId = spec.groupId();
  const consumer = spec.kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: 10_000,
    heartbeatInterval: 1000,
    rebalanceTimeout: 10_000,
    // Bounds the time that a disconnect waits for the running fetch; latency is not concerned.
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: messageBytesMax,
    maxBytes: 2 * batchMax.bytes,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 5, restartOnFailure: () => Promise.resolve(false) },
  });
  const watch = new Watch(spec, groupId, consumer);
  try {
    await within(consumer.connect(), 15_000);
    await consumer.subscribe({ topics: [spec.topic], fromBeginning: spec.from === 'earliest' });
    await within(
      consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: spec.concurrency,
        eachBatch: (payload) => spec.eachBatch(payload, () => watch.alive()),
      }),
      joinMs,
    );
    return await watch.until(signal);
  } finally {
    watch.close();
    await within(consumer.disconnect(), 5000).catch(() => undefined);
  }
}

/** Observes one consumer. */
class Watch {
  private readonly over = new AbortController();
  private because = 'stopped';
  private aliveAt = Date.now();
  private assigned: readonly number[] | undefined;
  private fetched = false;
  private suspect = false;

  constructor(
    private readonly spec: SupervisedConsumer,
    private readonly groupId: string,
    consumer: Consumer,
  ) {
    consumer.on('consumer.crash', ({ payload }) => this.end(`crashed: ${payload.error.message}`));
    consumer.on('consumer.disconnect', () => this.end('disconnected'));
    consumer.on('consumer.stop', () => this.end('stopped'));
    consumer.on('consumer.group_join', ({ payload }) => {
      this.assigned = payload.memberAssignment[spec.topic] ?? [];
      this.alive();
    });
    consumer.on('consumer.fetch', () => {
      if (!this.fetched) spec.started?.();
      this.fetched = true;
    });
  }

  alive(): void {
    this.aliveAt = Date.now();
  }

  close(): void {
    this.over.abort();
  }

  /** Resolves with the reason when the consumer ended or stalls, or when `signal` aborts. */
  async until(signal: AbortSignal): Promise<string> {
    const end = AbortSignal.any([signal, this.over.signal]);
    for (;;) {
      await pause(checkMs, end);
      if (end.aborted) return this.because;
      if (await this.stalled()) return 'messages wait and none was handled';
    }
  }

  /** Only a second look counts: a message may have come the moment before the first. */
  private async stalled(): Promise<boolean> {
    if (Date.now() - this.aliveAt < stalledMs) return (this.suspect = false);
    const waits = await this.waits();
    if (!waits) this.alive();
    else if (this.suspect) return true;
    this.suspect = waits;
    return false;
  }

  private end(because: string): void {
    if (!this.over.signal.aborted) this.because = because;
    this.over.abort();
  }

  /** Whether messages wait in the consumer's partitions. Brokers that do not answer are the consumer's own affair. */
  private async waits(): Promise<boolean> {
    const { kafka, topic } = this.spec;
    if (this.spec.from === 'latest') return false;
    try {
      return await withAdmin(kafka, 10_000, async (admin) => {
        const ends = await admin.fetchTopicOffsets(topic);
        const [committed] = await admin.fetchOffsets({ groupId: this.groupId, topics: [topic] });
        const done = new Map(committed?.partitions.map((p) => [p.partition, BigInt(p.offset)]));
        return ends.some((end) => {
          const mine = this.assigned === undefined || this.assigned.includes(end.partition);
          const next = done.get(end.partition) ?? -1n;
          return mine && BigInt(end.high) > BigInt(end.low) && (next < 0n || BigInt(end.high) !== next);
        });
      });
    } catch {
      return false;
    }
  }
}
