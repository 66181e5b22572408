/**
 * What a client was given an id for ends in exactly one record, whatever dies on the way: the acceptance and recovery modules as a region
 * runs them, a real invoker process, real sandboxes, Postgres as queue and as store.
 */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readEnv, RegionEnv, type RegionConfig } from '#libs/config';
import { EventBus, spaces, type RegionEvent, type RunOrder } from '#libs/domain';
import { Acceptance } from '../../apps/region/src/kafka/acceptance.js';
import { KafkaModule } from '../../apps/region/src/kafka/kafka.module.js';
import { TelemetryModule } from '../../apps/region/src/telemetry.module.js';
import { InvokerRig } from '../support/invoker-rig.js';
import { testKafka } from '../support/kafka.js';
import { eventually } from '../support/queue-contract.js';

@Module({})
class Region {}

let rig: InvokerRig;
let app: INestApplicationContext | undefined;
let acceptance: Acceptance;

const args = Buffer.from('{}');

async function boot(queue: Readonly<Record<string, string>> = {}): Promise<void> {
  const config: RegionConfig = readEnv(RegionEnv, { ...rig.processEnv('controller,kafka', 'controller-0'), ...queue });
  const module = { module: Region, imports: [TelemetryModule.with(config), KafkaModule.with(config)] };
  app = await NestFactory.createApplicationContext(module, { logger: false });
  await app.init();
  acceptance = app.get(Acceptance, { strict: false });
}

const connected = async (): Promise<boolean> => (await acceptance.status()).invokers.some((invoker) => invoker.connected);

before(async () => {
  rig = await InvokerRig.start();
  rig.startSpawner();
  rig.startInvoker();
  await boot();
  await eventually('the invoker is connected', connected);
});

after(async () => {
  await app?.close();
  await rig?.stop();
});

test('a blocking call is accepted and answered', async () => {
  const order = await rig.action('function main() { return { ok: true }; }');
  const { accepted, record } = acceptance.invoke(order(), args);
  await accepted;
  assert.equal((await record).response.result, '{"ok":true}');
});

test('the health of queue and invokers is told', async () => {
  const status = await acceptance.status();
  assert.equal(status.queue, true);
  assert.equal(status.invokers[0]?.name, 'invoker-0');
  assert.ok(status.invokers[0].sandbox);
});

test('an accepted call that no invoker could take runs when one is back', async () => {
  const order = await rig.action('function main() { return { late: true }; }');
  await rig.killInvoker();
  await eventually('the invoker is known to be gone', async () => !(await connected()));
  const given = { ...order(), blocking: false };
  await acceptance.invoke(given, args).accepted;
  rig.startInvoker();
  assert.equal((await rig.record(given.activationId)).response.result, '{"late":true}');
});

test('while calls flow the invoker is killed: every id that was given out ends in one record', flowWhileInvokerDies);

test('a recovery that ends leaves nothing behind that the next one does not see', async () => {
  const order = await rig.action('function main() { return { again: true }; }');
  await rig.killInvoker();
  await eventually('the invoker is known to be gone', async () => !(await connected()));
  const given = Array.from({ length: 20 }, () => ({ ...order(), blocking: false }));
  await Promise.all(given.map((call) => acceptance.invoke(call, args).accepted));
  await app?.close();
  rig.startInvoker();
  await boot();
  for (const call of given) assert.equal((await rig.record(call.activationId)).response.result, '{"again":true}');
});

test('region events reach who listens in another process', async () => {
  const got: RegionEvent[] = [];
  const bus = app?.get(EventBus, { strict: false });
  assert.ok(bus);
  await bus.subscribe((event) => void got.push(event));
  const event: RegionEvent = { topic: 'entity.changed', key: { space: spaces.definition, ns: rig.ns, path: 'hello' } };
  await bus.publish(event);
  await eventually('the event comes', () => got.length > 0);
  assert.deepEqual(got[0], event);
});

test('with Kafka as the queue too, every id that was given out ends in one record although the invoker is killed', async () => {
  await app?.close();
  const kafka = await testKafka();
  try {
    await boot({ ISOCHRONE_QUEUE: 'kafka', ISOCHRONE_KAFKA_BROKERS: kafka.brokers.join(','), ISOCHRONE_KAFKA_PREFIX: `${randomUUID()}.` });
    await flowWhileInvokerDies();
  } finally {
    await app?.close();
    await boot();
    await kafka.stop();
  }
});

/** Calls flow at 50 a second for 8 seconds; after two the invoker is killed and started again. */
async function flowWhileInvokerDies(): Promise<void> {
  await eventually('the invoker is connected', connected);
  const order = await rig.action('function main() { return new Promise((done) => setTimeout(() => done({ ok: true }), 50)); }', {
    concurrency: 20,
    timeout: 3000,
  });
  const before = await rig.storage.activations.count(rig.ns, {});
  const given: RunOrder[] = [];
  const perSecond = 50;
  for (let i = 0; i < 8 * perSecond; i += 1) {
    const call = { ...order(), blocking: false };
    void acceptance.invoke(call, args).accepted.then(() => given.push(call));
    if (i === 2 * perSecond) void rig.killInvoker().then(() => rig.startInvoker());
    await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
  }
  await eventually('all are accepted', () => given.length === 8 * perSecond);
  const ends = new Map<string, number>();
  for (const call of given) {
    const result = (await eventualRecord(call)).response.result ?? '';
    ends.set(result, (ends.get(result) ?? 0) + 1);
  }
  const ran = ends.get('{"ok":true}') ?? 0;
  const lost = [...ends].filter(([result]) => result.includes('may have run')).reduce((sum, [, count]) => sum + count, 0);
  assert.equal(ran + lost, given.length, JSON.stringify([...ends]));
  assert.ok(ran > given.length / 2, `${ran} of ${given.length} ran`);
  assert.equal(await rig.storage.activations.count(rig.ns, {}), before + given.length, 'there are as many records as ids');
}

async function eventualRecord(call: RunOrder): Promise<Awaited<ReturnType<InvokerRig['record']>>> {
  let record: Awaited<ReturnType<InvokerRig['record']>> | undefined;
  await eventually(`a record of ${call.activationId}`, async () => {
    const found = await rig.storage.activations.find(call.ns, call.activationId);
    if (found?.kind === 'done') record = found.record;
    return record !== undefined;
  });
  assert.ok(record);
  return record;
}
