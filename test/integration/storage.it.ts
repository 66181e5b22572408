/** Definitions, keys and objects of a region, on a real Postgres and a real folder. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  Failure,
  kinds,
  spaces,
  toJsonText,
  type EntityId,
  type EntityRow,
  type EntityWrite,
  type Hlc,
  type RegionCode,
} from '#libs/domain';
import { addressOf, applyRow, openPool, openStorage, PgAlarms, PgEntityStore, type Storage } from '#libs/storage';
import { aNamespace, startStorage, type TestStorage } from '../support/storage.js';

let t: TestStorage;

before(async () => {
  t = await startStorage();
});
after(() => t?.close());

const key = (path: string) => ({ space: spaces.definition, ns: aNamespace, path });
const write = (doc: string, more: Partial<EntityWrite> = {}): EntityWrite => ({
  kind: kinds.action,
  entityId: randomUUID() as EntityId,
  deleted: false,
  doc: toJsonText(doc),
  sealed: null,
  blob: null,
  requires: [],
  updated: Date.now(),
  ...more,
});

test('a written row is read back, with a token that names its region', async () => {
  const { row, token } = await t.storage.entities.write(key('one'), () => write('first', { sealed: Buffer.from([0, 255]) }));
  assert.match(token, /^us-east-1\.[0-9a-f-]{36}\.\d+$/);
  const found = await t.storage.entities.find(key('one'));
  assert.deepEqual({ ...found, sealed: Buffer.from(found?.sealed ?? []) }, { ...row, sealed: Buffer.from([0, 255]) });
});

test('an overwrite is always newer than what it replaces, whatever the clock says', async () => {
  const { row: first } = await t.storage.entities.write(key('clock'), () => write('1'));
  const ahead = String((BigInt(Date.now() + 3_600_000) << 16n) + 7n) as Hlc;
  assert.equal(await applyRow(t.storage.pool, { ...first, hlc: ahead, origin: 2 as RegionCode }), 'applied');
  const { row: second } = await t.storage.entities.write(key('clock'), () => write('2'));
  assert.ok(BigInt(second.hlc) > BigInt(ahead));
});

test('a row that is restated in other bytes loses to whatever a user wrote elsewhere without having seen it', async () => {
  const { row: first } = await t.storage.entities.write(key('restated'), () => write('said', { sealed: Buffer.from('old') }));
  const elsewhere: EntityRow = {
    ...first,
    doc: toJsonText('said later'),
    hlc: String(BigInt(first.hlc) + 65_536n) as Hlc,
    origin: 2 as RegionCode,
  };
  await t.storage.entities.restate(key('restated'), (current) => ({
    ...write('said', { sealed: Buffer.from('new') }),
    updated: current?.updated ?? 0,
  }));
  const restated = await t.storage.entities.find(key('restated'));
  assert.deepEqual(
    [BigInt(restated?.hlc ?? 0) - BigInt(first.hlc), restated?.updated, restated?.sealed],
    [1n, first.updated, Buffer.from('new')],
  );
  assert.equal(await applyRow(t.storage.pool, elsewhere), 'applied');
});

test('of an erased namespace nothing is taken any more, and what there was is gone, keys and code first', async () => {
  const ns = randomUUID() as typeof aNamespace;
  const alarms = new PgAlarms(t.storage.pool);
  await t.storage.keys.ensure(ns);
  const { bytes, address } = await t.storage.keys.sealCode(ns, Buffer.from('its code'));
  await t.storage.objects.put(bytes);
  const at = (path: string) => ({ space: spaces.definition, ns, path });
  await t.storage.entities.write(at('old'), () => write('old', { blob: address }));
  await t.storage.entities.write(at('old'), () => write('newer'));
  const alarm = { ns, path: 'a', alarm: randomUUID() as EntityId, dueMs: 1 };
  assert.equal((await alarms.claim(alarm, 1))?.fires, 1);
  assert.deepEqual(await t.storage.erasures.due(), []);
  await t.storage.entities.write({ space: spaces.erasure, ns, path: 'order' }, () => write('order'));
  await assert.rejects(
    t.storage.entities.write(at('late'), () => write('late')),
    { code: 'concurrent' },
  );
  assert.deepEqual(await t.storage.erasures.due(), [ns]);
  assert.equal(await alarms.claim({ ...alarm, dueMs: 2 }, 2), undefined);
  const counts = await t.storage.erasures.sweep(ns);
  assert.deepEqual(counts, { rows: 1, keys: 1, blobs: 1, parked: 0, conflicts: 0, activations: 0, messages: 0, alarms: 1 });
  assert.equal(await t.storage.objects.has(address), false);
  await assert.rejects(t.storage.keys.openCode(ns, bytes), { fault: 'namespace-key' });
  assert.deepEqual((await t.storage.erasures.report(ns))?.counts, counts);
  await t.storage.erasures.sweep(ns);
  assert.deepEqual((await t.storage.erasures.report(ns))?.counts, counts, 'a second sweep adds what it found');
  assert.deepEqual(await t.storage.erasures.due(), []);
});

test('entries of the audit log go when their time is over and not before', async () => {
  const entry = { operator: 'ann', what: 'POST subjects', target: 'a\0b', origin: '::1', status: 201, transid: 't' };
  await t.storage.audit.append(entry);
  const [kept] = await t.storage.audit.list(0, 10);
  assert.deepEqual({ ...kept, atMs: 0 }, { ...entry, target: 'a\u{fffd}b', atMs: 0 });
  assert.equal(await t.storage.audit.expire(365, Date.now()), 0);
  assert.equal(await t.storage.audit.expire(365, Date.now() + 366 * 86_400_000), 1);
});

test('merging is by version alone: older and equal rows change nothing, in any order', async () => {
  const base: EntityRow = { ...key('merge'), ...write('x'), hlc: '100' as Hlc, origin: 1 as RegionCode, schema: 1 };
  const rows = [base, { ...base, origin: 2 as RegionCode }, { ...base, hlc: '99' as Hlc, origin: 9 as RegionCode }];
  assert.equal(await applyRow(t.storage.pool, rows[1] ?? base), 'applied');
  assert.equal(await applyRow(t.storage.pool, rows[0] ?? base), 'older');
  assert.equal(await applyRow(t.storage.pool, rows[2] ?? base), 'older');
  assert.equal(await applyRow(t.storage.pool, rows[1] ?? base), 'equal');
});

test('sixteen creators of one key: one sees nothing there, the others see its row', async () => {
  const seen = await Promise.all(
    Array.from({ length: 16 }, () => {
      let current: EntityRow | undefined;
      return t.storage.entities.write(key('race'), (row) => ((current = row), write('r'))).then(() => current);
    }),
  );
  assert.equal(seen.filter((row) => row === undefined).length, 1);
});

test('a decision that refuses leaves nothing behind', async () => {
  await assert.rejects(
    t.storage.entities.write(key('refused'), () => {
      throw new Failure('exists');
    }),
    { code: 'exists' },
  );
  assert.equal(await t.storage.entities.find(key('refused')), undefined);
});

test('a deleted row is not found and counts as absent for the next writer', async () => {
  await t.storage.entities.write(key('gone'), () => write('1'));
  await t.storage.entities.write(key('gone'), () => write('1', { deleted: true, doc: null }));
  assert.equal(await t.storage.entities.find(key('gone')), undefined);
  await t.storage.entities.write(key('gone'), (current) => (assert.equal(current, undefined), write('2')));
});

test('lists show the latest first, one package where asked, and count alike', async () => {
  const ns = randomUUID() as typeof aNamespace;
  for (const [i, path] of ['p/a', 'p/b', 'pp/a', 'top'].entries()) {
    await t.storage.entities.write({ space: spaces.definition, ns, path }, () => write(path, { updated: 1000 + i }));
  }
  const query = { ns, kind: kinds.action, skip: 0, limit: 30 };
  assert.deepEqual(
    (await t.storage.entities.list(query)).map(({ path }) => path),
    ['top', 'pp/a', 'p/b', 'p/a'],
  );
  assert.deepEqual(
    (await t.storage.entities.list({ ...query, pkg: 'p' })).map(({ path }) => path),
    ['p/b', 'p/a'],
  );
  assert.deepEqual(
    (await t.storage.entities.list({ ...query, skip: 1, limit: 2 })).map(({ path }) => path),
    ['pp/a', 'p/b'],
  );
  assert.equal(await t.storage.entities.count({ ns, kind: kinds.action, pkg: 'p' }), 2);
});

test('a document keeps U+0000 and the spelling of its numbers', async () => {
  const doc = '{"a":"x\\u0000y","n":1.0,"big":12345678901234567890}' as EntityRow['doc'];
  await t.storage.entities.write(key('faithful'), () => write('', { doc }));
  assert.equal((await t.storage.entities.find(key('faithful')))?.doc, doc);
});

test("a namespace's code is ciphertext, alike for alike code, and opens for its namespace only", async () => {
  const other = randomUUID() as typeof aNamespace;
  await Promise.all([t.storage.keys.ensure(aNamespace), t.storage.keys.ensure(aNamespace), t.storage.keys.ensure(other)]);
  const code = Buffer.from('function main() { return { canary: true }; }');
  const [one, two, foreign] = await Promise.all([
    t.storage.keys.sealCode(aNamespace, code),
    t.storage.keys.sealCode(aNamespace, code),
    t.storage.keys.sealCode(other, code),
  ]);
  assert.equal(one.address, two.address);
  assert.notEqual(one.address, foreign.address);
  assert.equal(one.address, addressOf(one.bytes));
  assert.ok(!one.bytes.includes('canary'));
  assert.deepEqual(await t.storage.keys.openCode(aNamespace, one.bytes), code);
  await assert.rejects(t.storage.keys.openCode(other, one.bytes));
  const damaged = Buffer.from(one.bytes);
  damaged[60] = (damaged[60] ?? 0) ^ 1;
  await assert.rejects(t.storage.keys.openCode(aNamespace, damaged));
});

test('a sealed secret never looks the same, opens again, and opens after a restart', async () => {
  await t.storage.keys.ensure(aNamespace);
  const secret = Buffer.from('{"password":"canary"}');
  const [a, b] = await Promise.all([t.storage.keys.seal(aNamespace, secret), t.storage.keys.seal(aNamespace, secret)]);
  assert.ok(!a.equals(b));
  assert.ok(!a.includes('canary'));
  const again = await openStorage(t.config);
  assert.deepEqual(await again.keys.open(aNamespace, a), secret);
  await again.close();
});

test('a namespace keeps its first key however often one is asked for', async () => {
  const ns = randomUUID() as typeof aNamespace;
  await Promise.all(Array.from({ length: 5 }, () => t.storage.keys.ensure(ns)));
  const sealed = await t.storage.keys.seal(ns, Buffer.from('x'));
  const rows = await keyRows(ns);
  assert.equal(rows.length, 1);
  await t.storage.keys.ensure(ns);
  assert.deepEqual(await keyRows(ns), rows, 'asking again writes nothing');
  assert.equal((await t.storage.keys.open(ns, sealed)).toString(), 'x');
});

test('of two regions that make the first key of a namespace at once neither loses what it encrypted, and both go on with one', async () => {
  const ns = randomUUID() as typeof aNamespace;
  const other = await t.openOther();
  await Promise.all([t.storage.keys.ensure(ns), other.keys.ensure(ns)]);
  const code = Buffer.from('code');
  const [here, there] = await Promise.all([t.storage.keys.sealCode(ns, code), other.keys.sealCode(ns, code)]);
  await exchange(ns, other);
  for (const { keys } of [t.storage, other]) for (const { bytes } of [here, there]) assert.deepEqual(await keys.openCode(ns, bytes), code);
  const [again, elsewhere] = [await openStorage(t.config), await t.openOther()];
  assert.equal((await again.keys.sealCode(ns, code)).address, (await elsewhere.keys.sealCode(ns, code)).address);
  await Promise.all([again.close(), elsewhere.close(), other.close()]);
});

test('a region that joins later is given the keys that are there', async () => {
  const alone = await t.openAlone();
  const ns = randomUUID() as typeof aNamespace;
  await alone.keys.ensure(ns);
  const sealed = await alone.keys.seal(ns, Buffer.from('secret'));
  await alone.close();
  const other = await t.openOther();
  await exchange(ns, other);
  await assert.rejects(other.keys.open(ns, sealed), { code: 'unavailable', fault: 'namespace-key' });
  const whole = await openStorage(t.config);
  await exchange(ns, other);
  assert.equal((await other.keys.open(ns, sealed)).toString(), 'secret');
  await Promise.all([whole.close(), other.close()]);
});

test("a key that is not the region's, and a code that was given to another region, stop the boot with a clear line", async () => {
  const [first, second] = t.world.regions;
  assert.ok(first && second);
  await assert.rejects(openStorage({ ...t.config, region: second }), /is not the private key of region 'eu-west-1'/);
  const renamed = { ...second, id: 'ap-south-1' as typeof second.id };
  await assert.rejects(openStorage({ ...t.config, world: { ...t.world, regions: [first, renamed] } }), /'eu-west-1' for ever/);
});

test('a database that is away refuses a write as a passing fault, and a decision is not asked for', async () => {
  const pool = openPool('postgres://nobody@127.0.0.1:1/none', 'away', 1, t.config.logger);
  const store = new PgEntityStore(pool, pool, t.config.region);
  let asked = false;
  await assert.rejects(
    store.write(key('away'), () => ((asked = true), write('1'))),
    { code: 'unavailable', fault: 'database' },
  );
  assert.equal(asked, false);
  await pool.end();
});

/** The rows of a namespace's keys, as the table has them. */
async function keyRows(ns: string) {
  return (
    await t.storage.pool.query<{ path: string; hlc: string }>('select path, hlc from entity where space = $1 and ns = $2', [
      spaces.namespaceKey,
      ns,
    ])
  ).rows;
}

/** Gives each region the other's rows of a namespace's keys, as replication does. */
async function exchange(ns: typeof aNamespace, other: Storage): Promise<void> {
  for (const [from, to] of [
    [t.storage, other],
    [other, t.storage],
  ] as const)
    for (const row of await from.entities.all(spaces.namespaceKey)) if (row.ns === ns) await applyRow(to.pool, row);
}

test('objects are stored once, whole, and a damaged one is never handed out', async () => {
  const bytes = Buffer.alloc(300_000, 7);
  const address = await t.storage.objects.put(bytes);
  assert.equal(address, await t.storage.objects.put(bytes));
  assert.deepEqual(Buffer.from((await t.storage.objects.find(address)) ?? []), bytes);
  assert.equal(await t.storage.objects.find('0'.repeat(64)), undefined);
  assert.equal(await t.storage.objects.has('0'.repeat(64)), false);
  const folder = join(t.config.blobs.slice('file:'.length), address.slice(0, 2));
  assert.deepEqual(readdirSync(folder), [address.slice(2)], 'nothing is left beside it');
  const file = join(folder, address.slice(2));
  const stored = readFileSync(file);
  stored[1000] = 8;
  writeFileSync(file, stored);
  await assert.rejects(t.storage.objects.find(address), /is damaged/);
});
