import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spaces, type NamespaceId } from '#libs/domain';
import { AdminRows } from './admin-rows.js';
import { Identities } from './identities.js';
import { MemoryStore } from './memory-store.fixture.js';
import { Subjects, type NamespaceSeal } from './subjects.js';

const plain: NamespaceSeal = {
  ensure: async () => undefined,
  seal: async (_ns, bytes) => bytes,
  open: async (_ns, sealed) => sealed,
  requirementOf: () => [],
};

function aRegion(): { store: MemoryStore; subjects: Subjects; identities: Identities } {
  const store = new MemoryStore();
  const identities = new Identities(store);
  return { store, identities, subjects: new Subjects(new AdminRows(store, (key) => identities.forget(key)), plain) };
}

const header = (key: string): string => `Basic ${Buffer.from(key).toString('base64')}`;

test('a new subject’s key proves who it is, and its namespace is found by name', async () => {
  const { subjects, identities } = aRegion();
  const { authKey: key } = await subjects.create({ subject: 'ann' });
  assert.match(key, /^[0-9a-f-]{36}:[A-Za-z0-9]{64}$/);
  const ann = await identities.authenticate(header(key));
  assert.deepEqual(ann, { subject: 'ann', namespace: 'ann', ns: key.slice(0, 36), limits: {} });
  assert.deepEqual(await identities.byNamespace('ann'), ann);
  assert.equal(await subjects.keyOf(ann), key);
});

test('nothing, and what proves nothing, are told apart', async () => {
  const { subjects, identities } = aRegion();
  const { authKey: key } = await subjects.create({ subject: 'ann' });
  await assert.rejects(identities.authenticate(undefined), { code: 'unauthenticated' });
  await assert.rejects(identities.authenticate(header(`${key}x`)), { code: 'bad-credentials' });
  await assert.rejects(identities.authenticate(header('00000000-0000-0000-0000-000000000000:wrong')), { code: 'bad-credentials' });
});

test('a subject that is deleted is nobody at once, and its name is free', async () => {
  const { subjects, identities } = aRegion();
  const { authKey: key } = await subjects.create({ subject: 'ann' });
  await identities.authenticate(header(key));
  await subjects.remove('ann');
  await assert.rejects(identities.authenticate(header(key)), { code: 'bad-credentials' });
  assert.equal(await identities.byNamespace('ann'), undefined);
  await subjects.create({ subject: 'ann' });
  assert.deepEqual(
    (await subjects.list()).map(({ name }) => name),
    ['ann'],
  );
});

test('a taken name, an illegal one and one that is not there are refused', async () => {
  const { subjects } = aRegion();
  await subjects.create({ subject: 'ann' });
  await assert.rejects(subjects.create({ subject: 'ann' }), { status: 409 });
  await assert.rejects(subjects.create({ subject: '!' }), { status: 400 });
  await assert.rejects(subjects.remove('bob'), { status: 404 });
});

test('a blocked namespace authenticates as if it did not exist', async () => {
  const { store, subjects, identities } = aRegion();
  const { authKey: key } = await subjects.create({ subject: 'ann' });
  const at = { space: spaces.namespace, ns: key.slice(0, 36) as NamespaceId, path: 'ann' };
  await store.write(at, (row) => ({ ...row, doc: JSON.stringify({ name: 'ann', subject: 'ann', blocked: true }) }) as never);
  identities.forget(at);
  await assert.rejects(identities.authenticate(header(key)), { code: 'bad-credentials' });
});
