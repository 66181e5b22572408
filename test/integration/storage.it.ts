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
import { addressOf, applyRow, openStorage } from '#libs/storage';
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
