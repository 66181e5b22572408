/** The queue of record on a real Kafka broker, against the contract that every adapter keeps, and what is Kafka's own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { openQueue, type MessagingOptions } from '#libs/messaging';
import { Logger } from '#libs/telemetry';
import { testKafka, type TestKafka } from '../support/kafka.js';
import { aMessage, eventually, queueContract } from '../support/queue-contract.js';

const quiet = new Logger({}, 'error', () => undefined);

/** The long form also takes the newest brokers, and keeps them away longer than any client's own patience. */
const prove = process.env['ISOCHRONE_PROVE'] === '1';

for (const line of prove ? (['3.9', '4.4'] as const) : (['3.9'] as const)) {
  describe(`Kafka ${line}`, () => {
    let kafka: TestKafka;
    before(async () => {
      kafka = await testKafka(line);
    });
    after(() => kafka.stop());

    const shared = () => ({ queue: 'kafka', databaseUrl: '', brokers: kafka.brokers, replication: 1 }) as const;
    const optionsOf = (prefix: string): MessagingOptions => ({ ...shared(), prefix, name: 'kafka', logger: quiet, delayMs: 0 });

    queueContract(`the queue on Kafka ${line}`, () => ({ options: shared(), crash: kafka.crash, downMs: prove ? 90_000 : 6000 }));

    test('a topic that is deleted and made again is consumed again by itself', async () => {
      const queue = openQueue(optionsOf('again.'));
      const stop = new AbortController();
      const seen = new Set<string>();
      const consuming = queue.consume((batch) => {
        for (const { id } of batch) seen.add(id);
        return Promise.resolve();
      }, stop.signal);
      const first = aMessage();
      await queue.append(first);
      await eventually('the first arrives', () => seen.has(first.id));
      const admin = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.deleteTopics({ topics: ['again.activations'] });
      await admin.disconnect();
      await eventually('a message passes again', async () => {
        const message = aMessage();
        await queue.append(message).catch(() => undefined);
        return seen.size > 1;
      });
      stop.abort();
      await consuming;
      await queue.close();
    });

    test('a record that is none of ours is left out and holds up nothing', async () => {
      const queue = openQueue(optionsOf('foreign.'));
      const stop = new AbortController();
      const seen: string[] = [];
      const first = aMessage();
      await queue.append(first);
      const producer = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).producer();
      await producer.connect();
      const foreign = Array.from({ length: 8 }, (_, partition) => ({ partition, value: 'what is this?' }));
      await producer.send({ topic: 'foreign.activations', messages: [...foreign, { partition: 0, value: null }] });
      await producer.disconnect();
      const messages = Array.from({ length: 20 }, () => aMessage());
      await Promise.all(messages.map((message) => queue.append(message)));
      const consuming = queue.consume((batch) => {
        seen.push(...batch.map(({ id }) => id));
        return Promise.resolve();
      }, stop.signal);
      await eventually('ours all arrive', () => [first, ...messages].every(({ id }) => seen.includes(id)));
      assert.equal(seen.length, 21);
      stop.abort();
      await consuming;
      await queue.close();
    });
  });
}
