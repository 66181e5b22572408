/** State and records of activations on a real Postgres, held against the rules of libs/delivery. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { step, type Delivery } from '#libs/delivery';
import { asJsonText, type ActivationId, type Claim } from '#libs/domain';
import { openPool, Partitions } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { aNamespace, anActivationId, aRecord, startStorage, type TestStorage } from '../support/storage.js';

let t: TestStorage;

before(async () => {
  t = await startStorage();
});
after(() => t?.close());

const claim = (id: ActivationId, invoker = 'a', leaseMs = 60_000): Claim => ({ id, ns: aNamespace, invoker, leaseMs });
const message = (id: ActivationId) => ({ id, ns: aNamespace, body: Buffer.from(`body of ${id}`) });

test('a record is pending, then done, and read back whole', async () => {
  const id = anActivationId();
  await t.storage.activations.accept([message(id)]);
  assert.deepEqual(await t.storage.activations.find(aNamespace, id), { kind: 'pending' });
  assert.deepEqual(await t.storage.activations.start(claim(id)), { granted: true, attempt: 1 });
  const record = aRecord(id, {
    response: { statusCode: 1, result: asJsonText('{"error":"x\\u0000y","n":1.0}'), size: 5 },
    logs: ['NUL \0 and ☃'],
  });
  assert.equal(await t.storage.activations.finish(record, 1), true);
  assert.deepEqual(await t.storage.activations.find(aNamespace, id), { kind: 'done', record });
});

test("another namespace's activation is not there", async () => {
  const id = anActivationId();
  await t.storage.activations.finish(aRecord(id), 0);
  assert.equal(await t.storage.activations.find('00000000-0000-0000-0000-000000000000' as typeof aNamespace, id), undefined);
  assert.equal(await t.storage.activations.find(aNamespace, anActivationId()), undefined);
});

test('the store follows the rules of delivery, whatever happens in whatever order', async () => {
  // Leases of 0 are over at once, those of a minute are never over here, so the false clock of the rules needs no waiting.
  let seed = 12_345;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  for (let round = 0; round < 25; round += 1) {
    const id = anActivationId();
    let state: Delivery | undefined;
    for (let nowMs = 1; nowMs < 15; nowMs += 1) {
      const invoker = ['a', 'b'][random(2)] ?? 'a';
      const leaseMs = random(2) === 0 ? -1000 : 60_000;
      const attempt = random(4);
      const kind = (['accept', 'claim', 'start', 'release', 'finish'] as const)[random(5)] ?? 'claim';
      const event =
        kind === 'accept'
          ? { kind, nowMs }
          : kind === 'finish'
            ? { kind, attempt }
            : kind === 'release'
              ? { kind, invoker, nowMs }
              : { kind, invoker, nowMs, leaseMs };
      const { next, granted } = step(state, event);
      const before = state;
      state = next;
      const store = t.storage.activations;
      if (kind === 'accept') await store.accept([message(id)]);
      if (kind === 'release') await store.release(claim(id, invoker));
      if (kind === 'finish')
        assert.equal(await store.finish(aRecord(id), attempt), granted, `finish ${attempt} of ${JSON.stringify(before)}`);
      if (kind === 'claim' || kind === 'start') {
        const answer = await store[kind](claim(id, invoker, leaseMs));
        assert.equal(answer.granted, granted, `${kind} by ${invoker} of ${JSON.stringify(before)}`);
        if (answer.granted) assert.equal(answer.attempt, next?.attempt);
      }
    }
  }
});

test('of fifty that start one activation at once, one may', async () => {
  const id = anActivationId();
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => t.storage.activations.start(claim(id, `invoker-${i}`))));
  assert.equal(answers.filter(({ granted }) => granted).length, 1);
  assert.ok(answers.every((answer) => answer.granted || answer.because === 'started'));
});

test('what nobody took comes due, what started and lost its lease is lost, what is held is left alone', async () => {
  const [free, expired, lost, held] = [anActivationId(), anActivationId(), anActivationId(), anActivationId()] as const;
  await t.storage.activations.accept([message(free), message(expired), message(lost), message(held)]);
  await t.storage.activations.claim(claim(expired, 'a', -1000));
  await t.storage.activations.start(claim(lost, 'a', -1000));
  await t.storage.activations.claim(claim(held));
  await sleep(20);
  const due = new Map((await t.storage.activations.due(10, 100)).map((d) => [d.id, d]));
  assert.equal(due.get(free)?.verdict, 'redeliver');
  assert.equal(due.get(free)?.body?.toString(), `body of ${free}`);
  assert.equal(due.get(expired)?.verdict, 'redeliver');
  assert.equal(due.get(lost)?.verdict, 'lost');
  assert.equal(due.has(held), false);
  assert.deepEqual(await t.storage.activations.claim(claim(expired, 'b')), { granted: true, attempt: 2 });
});

test('leases are renewed for their holder only', async () => {
  const id = anActivationId();
  await t.storage.activations.claim(claim(id, 'a', -1000));
  await t.storage.activations.renew('b', [id], 60_000);
  await t.storage.activations.renew('a', [id], 60_000);
  assert.deepEqual(await t.storage.activations.claim(claim(id, 'b')), { granted: false, because: 'claimed' });
});

test('a row that the database refuses takes no other of its batch with it', async () => {
  const ids = Array.from({ length: 40 }, () => anActivationId());
  const bad = anActivationId();
  const records = [...ids.map((id) => aRecord(id)), aRecord(bad, { response: { statusCode: 0, result: asJsonText('"\0"') } })];
  const outcomes = await Promise.allSettled(records.map((record) => t.storage.activations.finish(record, 0)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 40);
  for (const id of ids) assert.equal((await t.storage.activations.find(aNamespace, id))?.kind, 'done');
});

test('lists filter by name and time, newest first, and count alike', async () => {
  const name = `list-${Date.now()}`;
  for (const start of [1000, 2000, 3000]) await t.storage.activations.finish(aRecord(anActivationId(), { filterName: name, start }), 0);
  const starts = async (filter: { since?: number; upto?: number }, page = { skip: 0, limit: 30 }) =>
    (await t.storage.activations.list(aNamespace, { name, ...filter }, page)).map(({ start }) => start);
  assert.deepEqual(await starts({}), [3000, 2000, 1000]);
  assert.deepEqual(await starts({ since: 2000 }), [3000, 2000]);
  assert.deepEqual(await starts({ upto: 2000 }), [2000, 1000]);
  assert.deepEqual(await starts({}, { skip: 1, limit: 1 }), [2000]);
  assert.equal(await t.storage.activations.count(aNamespace, { name, since: 2000 }), 2);
  assert.deepEqual((await t.storage.activations.listFull(aNamespace, { name }, { skip: 0, limit: 1 }))[0]?.logs, ['line']);
});

test('operators find a record by its transaction id', async () => {
  const id = anActivationId();
  await t.storage.activations.finish(
    aRecord(id, { trace: { transid: `t-${id}`, region: 'us-east-1', start: 'cold', waitMs: 3, initMs: 2, runMs: 1, attempt: 1 } }),
    0,
  );
  assert.deepEqual(
    (await t.storage.activations.byTransid(`t-${id}`)).map(({ activationId }) => activationId),
    [id],
  );
});

test('partitions are there a week ahead and go when their retention is over', async () => {
  const pool = openPool(t.config.databaseUrl, 'test', 2, new Logger({}, 'error'));
  const partitions = new Partitions(pool, 7, new Logger({}, 'error'));
  const names = async () =>
    (
      await pool.query<{ n: string }>(`select inhrelid::regclass::text as n from pg_inherits where inhparent = 'activation'::regclass`)
    ).rows.map(({ n }) => n);
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  assert.ok((await names()).includes(`activation_${today}`));
  const id = anActivationId();
  await t.storage.activations.finish(aRecord(id), 0);
  await partitions.maintain(Date.now() + 9 * 86_400_000);
  assert.equal((await names()).includes(`activation_${today}`), false);
  assert.equal(await t.storage.activations.find(aNamespace, id), undefined);
  await partitions.maintain(Date.now());
  await pool.end();
});
