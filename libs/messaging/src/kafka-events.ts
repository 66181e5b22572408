import { randomUUID } from 'node:crypto';
import { EventBus, type RegionEvent } from '#libs/domain';
import { Partitioners, type EachBatchPayload, type Kafka, type Producer } from 'kafkajs';
import { decodeEvent, encodeEvent } from './event-codec.js';
import { within } from './group-commit.js';
import { kafkaClient } from './kafka-client.js';
import { consumeForEver } from './kafka-consumer.js';
import { ensureTopic } from './kafka-topics.js';
import type { MessagingOptions } from './options.js';

/** Region events on a Kafka topic. Every process reads all of them, in a group of its own, from now on. */
export class KafkaEvents extends EventBus {
  private readonly kafka: Kafka;
  private readonly topic: string;
  private readonly stop = new AbortController();
  private readonly handlers: ((event: RegionEvent) => void)[] = [];
  private producer: Promise<Producer> | undefined;
  private consuming: Promise<void> | undefined;

  constructor(private readonly options: MessagingOptions) {
    super();
    this.kafka = kafkaClient(options);
    this.topic = `${options.prefix}cacheInvalidation`;
  }

  /** Resolves whether or not it worked, within a few seconds: delivery is best effort, and the write it tells about is committed. */
  override async publish(event: RegionEvent): Promise<void> {
    try {
      this.producer ??= this.connectProducer();
      const producer = await within(this.producer, 3000);
      await within(producer.send({ topic: this.topic, acks: 1, messages: [{ key: event.key.ns, value: encodeEvent(event) }] }), 3000);
    } catch (cause) {
      await this.dropProducer();
      this.options.logger.warn('a region event could not be published', { topic: event.topic }, cause);
    }
  }

  /** Resolves once events arrive, or after a few seconds without a broker: then they arrive when it is back. */
  override async subscribe(handle: (event: RegionEvent) => void): Promise<void> {
    this.handlers.push(handle);
    if (this.consuming) return;
    const started = new Promise<void>((resolve) => {
      this.consuming = this.consume(resolve);
    });
    await within(started, 10_000).catch((cause: unknown) =>
      this.options.logger.warn('no region events yet, the brokers do not answer', {}, cause),
    );
  }

  override async close(): Promise<void> {
    this.stop.abort();
    await this.consuming;
    await this.dropProducer();
  }

  private consume(started: () => void): Promise<void> {
    return consumeForEver(
      {
        kafka: this.kafka,
        groupId: () => `${this.topic}-${this.options.name}-${randomUUID()}`,
        topic: this.topic,
        from: 'latest',
        concurrency: 1,
        logger: this.options.logger,
        prepare: () => this.prepare(),
        eachBatch: (payload) => Promise.resolve(this.take(payload)),
        started,
      },
      this.stop.signal,
    );
  }

  private take(payload: EachBatchPayload): void {
    for (const message of payload.batch.messages) {
      const event = decodeEvent(message.value ?? Buffer.alloc(0));
      if (event) for (const handle of this.handlers) handle(event);
      else this.options.logger.warn('a region event that cannot be read was left out', { offset: message.offset });
      payload.resolveOffset(message.offset);
    }
  }

  private prepare(): Promise<void> {
    const config = { 'retention.ms': String(3600 * 1000) };
    return ensureTopic(this.kafka, { topic: this.topic, partitions: 1, replication: this.options.replication, config });
  }

  private async connectProducer(): Promise<Producer> {
    await this.prepare();
    const producer = this.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }

  private async dropProducer(): Promise<void> {
    const producer = this.producer;
    this.producer = undefined;
    if (producer) await within((async () => (await producer).disconnect())(), 2000).catch(() => undefined);
  }
}
