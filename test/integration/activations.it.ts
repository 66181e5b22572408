/** State and records of activations on a real Postgres, held against the rules of libs/delivery. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lostGraceMs, step, sweep, swept, type Delivery, type DeliveryEvent } from '#libs/delivery';
import { asJsonText, type ActivationId, type Claim } from '#libs/domain';
import { openPool, Partitions, PgActivationStore } from '#libs/storage';
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
  const random = randomFrom(12_345);
  for (let round = 0; round < 40; round += 1) {
    const id = anActivationId();
    const told: string[] = [];
    let state: Delivery | undefined;
    for (let nowMs = 1; nowMs < 16; nowMs += 1) {
      const wish = aWish(random, nowMs);
      told.push(JSON.stringify(wish));
      if (wish.kind === 'sweep') {
        const verdict = state ? sweep(state, nowMs, 0) : 'wait';
        const due = (await t.storage.activations.due(0, 10_000)).find((one) => one.id === id);
        assert.equal(due?.verdict ?? 'wait', verdict, told.join('\n'));
        if (due) assert.equal(due.attempt, state?.attempt, told.join('\n'));
        if (state && verdict !== 'wait') state = swept(state, nowMs);
      } else {
        const { next, granted } = step(state, wish);
        assert.deepEqual(await wished(id, wish), { granted, attempt: next?.attempt }, told.join('\n'));
        state = next;
      }
      const found = await t.storage.activations.find(aNamespace, id);
      assert.equal(found?.kind, state && (state.state === 'done' ? 'done' : 'pending'), told.join('\n'));
    }
    await t.storage.activations.finish(aRecord(id), 0);
  }
});

type Wish = DeliveryEvent | { readonly kind: 'sweep' };

/** Reproducible whole numbers below a bound. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => ((state = (state * 1_103_515_245 + 12_345) % 2 ** 31) >> 8) % below;
}

/** Leases of -1 s are over at once, those of a minute never are here: so the rules' clock needs no waiting. */
function aWish(random: (below: number) => number, nowMs: number): Wish {
  const invoker = ['a', 'b'][random(2)] ?? 'a';
  const leaseMs = random(2) === 0 ? -1000 : 2 * lostGraceMs;
  const kind = (['accept', 'claim', 'claim', 'start', 'renew', 'release', 'finish', 'sweep'] as const)[random(8)] ?? 'claim';
  switch (kind) {
    case 'accept':
      return { kind, nowMs };
    case 'finish':
      return { kind, attempt: random(5) };
    case 'release':
      return { kind, invoker, nowMs };
    case 'sweep':
      return { kind };
    default:
      return { kind, invoker, nowMs, leaseMs };
  }
}

/** What the store makes of a wish, in the words of the rules. Where it gives no answer, the state afterwards tells. */
async function wished(id: ActivationId, wish: DeliveryEvent): Promise<{ granted: boolean; attempt: number | undefined }> {
  const store = t.storage.activations;
  const before = await rowOf(id);
  let granted: boolean | undefined;
  if (wish.kind === 'accept') await store.accept([message(id)]);
  if (wish.kind === 'release') await store.release(claim(id, wish.invoker));
  if (wish.kind === 'renew') await store.renew(wish.invoker, [id], wish.leaseMs);
  if (wish.kind === 'finish') granted = await store.finish(aRecord(id), wish.attempt);
  if (wish.kind === 'claim' || wish.kind === 'start') {
    const answer = await store[wish.kind](claim(id, wish.invoker, wish.leaseMs));
    const after = await rowOf(id);
    if (answer.granted) assert.equal(answer.attempt, after?.attempt);
    else assert.equal(answer.because, ['claimed', 'claimed', 'started', 'done'][after?.state ?? 0]);
    granted = answer.granted;
  }
  const after = await rowOf(id);
  return { granted: granted ?? after?.stamp !== before?.stamp, attempt: after?.attempt };
}

/** The row behind the store's back; `stamp` is another where the delivery changed. */
async function rowOf(id: ActivationId): Promise<{ state: number; attempt: number; stamp: string } | undefined> {
  const { rows } = await t.storage.pool.query<{ state: number; attempt: number; stamp: string }>(
    `select state, attempt, concat_ws(' ', state, attempt, invoker, lease_until) as stamp from activation where id = $1`,
    [id],
  );
  return rows[0];
}

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

test('claims, renewals and records of the same rows from several processes never end each other', async () => {
  const stores = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const pool = openPool(t.config.databaseUrl, 'crowd', 4, new Logger({}, 'error'));
      return { pool, store: new PgActivationStore(pool, pool) };
    }),
  );
  for (let round = 0; round < 5; round += 1) {
    const ids = Array.from({ length: 60 }, () => anActivationId());
    await t.storage.activations.accept(ids.map(message));
    const shuffled = (by: number) => ids.toSorted((x, y) => x.charCodeAt(20 + by) - y.charCodeAt(20 + by));
    await Promise.all(
      stores.flatMap(({ store }, i) => [
        ...shuffled(i).map((id) => store.claim(claim(id, `i${i}`))),
        store.renew(`i${i}`, shuffled(i + 4), 60_000),
        ...shuffled(i + 5).map((id) => store.finish(aRecord(id), 0)),
        store.due(0, 100),
        store.accept(shuffled(i + 6).map(message)),
      ]),
    );
    for (const id of ids) assert.equal((await t.storage.activations.find(aNamespace, id))?.kind, 'done');
  }
  await Promise.all(stores.map(({ pool }) => pool.end()));
});

test('what clients send reaches no column as it is: U+0000 in names and filters, transaction ids of any length', async () => {
  const id = anActivationId();
  const transid = Array.from({ length: 4000 }, (_, i) => ((i * 7919) % 36).toString(36)).join('');
  const record = aRecord(id, {
    name: 'a\0b',
    filterName: 'a\0b',
    trace: { transid, region: 'us-east-1', start: 'warm', waitMs: 1, attempt: 1 },
  });
  assert.equal(await t.storage.activations.finish(record, 0), true);
  assert.deepEqual(await t.storage.activations.find(aNamespace, id), { kind: 'done', record });
  assert.equal(await t.storage.activations.count(aNamespace, { name: 'a\0b' }), 1);
  assert.deepEqual(
    (await t.storage.activations.byTransid(transid)).map(({ activationId }) => activationId),
    [id],
  );
});

test('any well-formed id is looked up without a fault', async () => {
  for (const digit of ['0', 'f']) assert.equal(await t.storage.activations.find(aNamespace, digit.repeat(32) as ActivationId), undefined);
});

test('a result of 1 MB and logs of 10 MB come back whole, and a list of whole records is bounded', async () => {
  const name = 'large';
  const logs = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(10_240, 'x'));
  const result = asJsonText(JSON.stringify({ text: 'y'.repeat(1024 * 1024 - 20) }));
  const ids = Array.from({ length: 4 }, () => anActivationId());
  for (const [i, id] of ids.entries())
    await t.storage.activations.finish(aRecord(id, { filterName: name, start: 1000 - i, logs, response: { statusCode: 0, result } }), 0);
  for (const id of ids) {
    const found = await t.storage.activations.find(aNamespace, id);
    assert.ok(found?.kind === 'done' && found.record.logs.length === 1000 && found.record.response.result === result);
  }
  const listed = await t.storage.activations.listFull(aNamespace, { name }, { skip: 0, limit: 30 });
  assert.deepEqual(
    listed.map((record) => record.logs.length),
    [1000, 1000, 1000, 0],
  );
  assert.ok(listed.every((record) => record.response.result === result));
});

test('a database that is away is a passing fault of the region', async () => {
  const pool = openPool('postgres://nobody@127.0.0.1:1/none', 'away', 1, new Logger({}, 'error'));
  const store = new PgActivationStore(pool, pool);
  const id = anActivationId();
  const asks = [
    () => store.start(claim(id)),
    () => store.finish(aRecord(id), 1),
    () => store.find(aNamespace, id),
    () => store.accept([message(id)]),
  ];
  for (const asked of asks) await assert.rejects(asked, { code: 'unavailable', fault: 'database' });
  await pool.end();
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
  const dayMs = 86_400_000;
  const now = Date.now();
  const nameOf = (ms: number) => `activation_${new Date(ms).toISOString().slice(0, 10).replaceAll('-', '')}`;
  const named = async (query: string) => new Set((await pool.query<{ n: string }>(query)).rows.map(({ n }) => n));
  const standing = () => named(`select inhrelid::regclass::text as n from pg_inherits where inhparent = 'activation'::regclass`);
  for (let day = -1; day <= 7; day += 1) assert.ok((await standing()).has(nameOf(now + day * dayMs)), `day ${day}`);

  const [today, beyond, old] = [anActivationId(now), anActivationId(now + 9 * dayMs), anActivationId(now - 40 * dayMs)];
  for (const id of [today, beyond, old]) await t.storage.activations.finish(aRecord(id), 0);
  const inDefault = () => named(`select replace(id::text, '-', '') as n from activation_default`);
  assert.deepEqual(await inDefault(), new Set([beyond, old]));

  await Promise.all([partitions.maintain(now + 4 * dayMs), partitions.maintain(now + 4 * dayMs), partitions.maintain(now + 4 * dayMs)]);
  assert.deepEqual(await inDefault(), new Set(), 'one moved to its day, the other is past the retention');
  assert.equal((await t.storage.activations.find(aNamespace, beyond))?.kind, 'done');
  assert.equal(await t.storage.activations.find(aNamespace, old), undefined);
  assert.equal((await t.storage.activations.find(aNamespace, today))?.kind, 'done');

  await partitions.maintain(now + 9 * dayMs);
  assert.equal((await standing()).has(nameOf(now)), false);
  assert.equal(await t.storage.activations.find(aNamespace, today), undefined);
  assert.equal((await t.storage.activations.find(aNamespace, beyond))?.kind, 'done');
  await pool.end();
});
