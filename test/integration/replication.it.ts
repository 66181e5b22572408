/** Three regions as real processes on real databases: what is written in one is in the others, through crashes, absence and strangers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { spaces, type EntityKey } from '#libs/domain';
import { openEventBus } from '#libs/messaging';
import { Logger } from '#libs/telemetry';
import { eventually, testNamespace, TestWorld, type TestRegion } from '../support/replication-world.js';

let world: TestWorld;
let a: TestRegion;
let b: TestRegion;
let c: TestRegion;

before(async () => {
  world = await TestWorld.make(['us-east-1', 'eu-west-1', 'ap-south-1'], []);
  [a, b, c] = world.regions as [TestRegion, TestRegion, TestRegion];
  await a.storage.keys.ensure(testNamespace);
  await Promise.all(world.regions.map((region) => region.start()));
  for (const region of [b, c])
    await eventually(async () => (await region.storage.entities.all(spaces.namespaceKey)).length === 1, { what: 'the namespace key' });
});

after(() => world?.close());

async function same(seconds = 60): Promise<void> {
  await eventually(
    async () => {
      const [first, ...others] = await Promise.all(world.regions.map((region) => region.versions()));
      others.forEach((other) => assert.deepEqual(other, first));
      return true;
    },
    { seconds, what: 'all regions hold the same rows' },
  );
}

test('an action created in one region is in the others with its code, and so are its update and its deletion', async (t) => {
  const { code, address } = await a.put('hello', 'v1');
  const startedMs = Date.now();
  for (const region of [b, c]) await eventually(async () => (await region.read('hello'))?.bytes.equals(code) ?? false, { what: 'created' });
  t.diagnostic(`visible in both regions after ${Date.now() - startedMs} ms`);

  const next = await b.put('hello', 'v2');
  assert.notEqual(next.address, address);
  for (const region of [a, c])
    await eventually(async () => (await region.read('hello'))?.bytes.equals(next.code) ?? false, { what: 'updated' });

  await c.remove('hello');
  for (const region of [a, b]) await eventually(async () => (await region.read('hello')) === undefined, { what: 'deleted' });
  await same();
});

test("what a region receives is announced to the region's caches", async () => {
  const bus = openEventBus({
    queue: 'postgres',
    databaseUrl: b.env['ISOCHRONE_DATABASE_URL'] ?? '',
    brokers: [],
    prefix: '',
    replication: 1,
    name: 'test',
    logger: new Logger({}, 'error'),
  });
  const heard: EntityKey[] = [];
  await bus.subscribe((event) => heard.push(event.key));
  await a.put('announced', 'code');
  await eventually(async () => heard.length > 0, { what: 'an event' });
  assert.deepEqual(heard[0], { space: spaces.definition, ns: testNamespace, path: 'announced' });
  await bus.close();
});

test('an action that is created again after its deletion is everywhere again', async () => {
  await a.put('again', 'one');
  await a.remove('again');
  await same();
  const { code } = await b.put('again', 'two');
  for (const region of world.regions) await eventually(async () => (await region.read('again'))?.bytes.equals(code) ?? false);
});

test('a region that was down catches up, and its own writes of that time reach the others', async () => {
  await c.end();
  for (let i = 0; i < 1200; i += 20) await Promise.all(Array.from({ length: 20 }, (_, j) => a.put(`while-down-${i + j}`, `code ${i + j}`)));
  const alone = await c.put('alone', 'written without a service');
  await c.start();
  await eventually(async () => (await c.read('while-down-0')) !== undefined, { what: 'the first batch' });
  await c.end();
  await c.start();
  await eventually(async () => (await c.read('while-down-1199')) !== undefined, { what: 'caught up' });
  for (const region of [a, b]) await eventually(async () => (await region.read('alone'))?.bytes.equals(alone.code) ?? false);
  await same();
});

test('services that are killed at any step, sender and receivers, lose nothing', async (t) => {
  const writes = 300;
  const written = new AbortController();
  let kills = 0;
  const killer = (async () => {
    for (let i = 0; !written.signal.aborted || i < 6; i += 1) {
      const victim = [a, b, a, c][i % 4] as TestRegion;
      await sleep(50 + ((i * 137) % 400));
      await victim.end();
      kills += 1;
      await victim.start();
    }
  })();
  const watcher = (async () => {
    for (; !written.signal.aborted; await sleep(5))
      for (const region of [b, c]) await region.read(`killed-${Math.floor(Math.random() * writes)}`);
  })();
  for (let i = 0; i < writes; i += 1) {
    await a.put(`killed-${i}`, `code ${i}`.repeat(500));
    if (i % 3 === 0) await b.put(`killed-by-b-${i}`, `code ${i}`);
    if (i % 7 === 0) await a.remove(`killed-${i}`);
    await sleep(8);
  }
  written.abort();
  await Promise.all([killer, watcher]);
  t.diagnostic(`${kills} kills`);
  await same();
  for (const region of world.regions)
    for (let i = 0; i < writes; i += 1)
      assert.equal((await region.read(`killed-${i}`)) !== undefined, i % 7 !== 0, `killed-${i} in ${region.id}`);
});

test('of two writes at the same time the later wins everywhere, and the other is kept for its author where they met', async () => {
  await a.put('contended', 'base');
  await same();
  await Promise.all([a.end(), b.end()]);
  await a.put('contended', 'by a');
  const winner = await b.put('contended', 'by b');
  await Promise.all([a.start(), b.start()]);
  for (const region of world.regions)
    await eventually(async () => (await region.read('contended'))?.bytes.equals(winner.code) ?? false, { what: 'one winner' });
  const losers = async (region: TestRegion) =>
    (await region.storage.pool.query<{ loser: string }>(`select loser from entity_conflict where path = 'contended'`)).rows.map(
      (row) => (JSON.parse(row.loser) as { origin: number }).origin,
    );
  await eventually(async () => (await Promise.all(world.regions.map(losers))).flat().length > 0, { what: 'the loser is kept' });
  for (const region of world.regions) assert.ok((await losers(region)).every((origin) => origin === a.code));
  await same();
});

test('an update that saw what it replaces is no conflict', async () => {
  const { rows } = await c.storage.pool.query(`select path from entity_conflict where path <> 'contended'`);
  assert.deepEqual(rows, []);
});

test('a service tells operators how far its peers are, and that a peer is away', async () => {
  const status = async (peer: TestRegion) =>
    (
      await a.storage.pool.query<{ lag_ms: string; pending: number; state: string }>(
        'select lag_ms, pending, state from repl_peer_status where peer = $1',
        [peer.code],
      )
    ).rows[0];
  await eventually(async () => JSON.stringify(await status(b)) === JSON.stringify({ lag_ms: '0', pending: 0, state: 'closed' }), {
    what: 'no lag',
  });
  await b.end();
  await a.put('lagging', 'x');
  await eventually(
    async () => {
      const at = await status(b);
      return at?.state === 'open' && at.pending === 1 && Number(at.lag_ms) > 0;
    },
    { what: 'a lag' },
  );
  await b.start();
  await eventually(async () => (await status(b))?.state === 'closed', { what: 'reachable again' });
  await same();
});

test('a service that is asked to end does so with 0', async () => {
  assert.equal(await c.end('SIGTERM'), 0, c.log);
});
