import { ActivationQueue, Failure, type QueueMessage } from '#libs/domain';
import { Partitioners, type Kafka, type Producer } from 'kafkajs';
import { GroupCommit, within } from './group-commit.js';
import { kafkaClient } from './kafka-client.js';
import { consumeForEver } from './kafka-consumer.js';
import { encodeMessage, partitionCount, partitionOf, recordBytes, type Requeued } from './kafka-messages.js';
import { KafkaPassage, type PassageRules } from './kafka-passage.js';
import { checkVersions, durableConfig, ensureTopic, hasLeaders, withAdmin } from './kafka-topics.js';
import { appendDeadlineMs, batchMax, messageBytesMax, standardDelayMs, waitingMax, type MessagingOptions } from './options.js';

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
    const rules = this.rules(handle);
    return consumeForEver(
      {
        kafka: this.kafka,
        groupId: () => `${this.topic}-recovery`,
        topic: this.topic,
        from: 'earliest',
        concurrency: partitionCount,
        logger: this.options.logger,
        prepare: () => this.prepare(),
        eachBatch: (payload, alive) => new KafkaPassage(payload, rules, alive, signal).run(),
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

  private rules(handle: PassageRules['handle']): PassageRules {
    const { logger } = this.options;
    return {
      handle,
      waitMs: (timestampMs) => Math.min(this.delayMs, timestampMs + this.delayMs - Date.now()),
      putBack: async (messages, cause) => {
        logger.error('messages of the queue could not be handled and come again', { messages: messages.length }, cause);
        await Promise.all(messages.map(({ message, attempts }) => this.commits.append({ message, attempts: attempts + 1 })));
      },
      skipped: (offset) => logger.error('a message of the queue is none of ours and was left out', { topic: this.topic, offset }),
    };
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
