/** The queue of record on Postgres, against the contract that every adapter keeps. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import pg from 'pg';
import { spaces, type NamespaceId, type RegionEvent } from '#libs/domain';
import { openEventBus, openQueue, RegionEventsServer } from '#libs/messaging';
import { migrate } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { aMessage, eventually, queueContract } from '../support/queue-contract.js';
import { PostgresServer } from '../support/postgres-server.js';

let postgres: PostgresServer;

before(async () => {
  postgres = await PostgresServer.start();
  await migrate(postgres.url(), new Logger({}, 'error'));
});
after(() => postgres.stop());

const options = () => ({ queue: 'postgres', databaseUrl: postgres.url(), brokers: [], replication: 1 }) as const;

queueContract('the queue on Postgres', () => ({ options: options(), crash: (downMs) => postgres.crash(downMs) }));

test('appends of one moment share a commit', async () => {
  const queue = openQueue({ ...options(), prefix: 'commits.', name: 'commits', logger: new Logger({}, 'error'), delayMs: 0 });
  const client = new pg.Client({ connectionString: postgres.url() });
  await client.connect();
  try {
    await Promise.all(Array.from({ length: 200 }, () => queue.append(aMessage())));
    const { rows } = await client.query<{ commits: string }>(
      `select count(distinct xmin::text) as commits from queue_message where topic = 'commits.activations'`,
    );
    assert.ok(Number(rows[0]?.commits) < 10, `200 appends took ${rows[0]?.commits} commits`);
  } finally {
    await client.end();
    await queue.close();
  }
});

test('a batch that nobody acknowledged is not held by a consumer that was killed', async () => {
  const logger = new Logger({}, 'error', () => undefined);
  const open = () => openQueue({ ...options(), prefix: 'held.', name: 'held', logger, delayMs: 0 });
  const [first, second] = [open(), open()];
  const stop = new AbortController();
  const message = aMessage();
  const seen: string[] = [];
  let held = false;
  const stuck = first.consume(() => {
    held = true;
    return new Promise((_, reject) => stop.signal.addEventListener('abort', () => reject(new Error('killed'))));
  }, stop.signal);
  await first.append(message);
  await eventually('the first consumer holds it', () => held);
  // The lease is what frees a dead consumer's batch: time passes for the row, not for the test.
  const client = new pg.Client({ connectionString: postgres.url() });
  await client.connect();
  const { rowCount } = await client.query(`update queue_message set visible_at = now() where id = $1 and visible_at > now()`, [message.id]);
  assert.equal(rowCount, 1, 'it was hidden by a lease');
  await client.end();
  const other = second.consume((batch) => {
    seen.push(...batch.map(({ id }) => id));
    return Promise.resolve();
  }, stop.signal);
  await eventually('the second consumer gets it', () => seen.includes(message.id));
  stop.abort();
  await Promise.all([stuck, other]);
  await Promise.all([first.close(), second.close()]);
});

const forgotten: RegionEvent[] = [];

@Controller()
class Cache {
  @EventPattern('entity.changed')
  forget(@Payload() event: RegionEvent): void {
    forgotten.push(event);
    if (event.key.path === 'broken') throw new Error('the handler is broken');
  }
}

@Module({ controllers: [Cache] })
class CacheModule {}

test('a Nest method marked for an event gets it, and survives its own failure', async () => {
  const bus = openEventBus({ ...options(), prefix: 'nest.', name: 'nest', logger: new Logger({}, 'error') });
  const app = await NestFactory.createMicroservice(CacheModule, { strategy: new RegionEventsServer(bus), logger: false });
  await app.listen();
  const event = (path: string): RegionEvent => ({
    topic: 'entity.changed',
    key: { space: spaces.definition, ns: randomUUID() as NamespaceId, path },
  });
  await bus.publish(event('broken'));
  const second = event('hello');
  await bus.publish(second);
  await eventually('both events arrive', () => forgotten.length === 2);
  assert.deepEqual(forgotten[1], second);
  await app.close();
  await bus.close();
});
