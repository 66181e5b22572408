import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spaces } from '#libs/domain';
import { AdminRows } from './admin-rows.js';
import { Identities, proves } from './identities.js';
import { hashSecret } from './credentials.js';
import { MemoryStore } from './memory-store.fixture.js';
import { NamespaceLimits } from './namespace-limits.js';
import { Subjects, type NamespaceSeal } from './subjects.js';

const plain: NamespaceSeal = {
  ensure: async () => undefined,
  seal: async (_ns, bytes) => bytes,
  open: async (_ns, sealed) => sealed,
  requirementOf: () => [],
};

function aRegion() {
  const store = new MemoryStore();
  const identities = new Identities(store);
  const rows = new AdminRows(store, (key) => identities.forget(key));
  const who = async (key: string): Promise<string | undefined> => {
    const identity = await identities.byKey(key.slice(0, 36), key.slice(37));
    return identity && `${identity.subject} in ${identity.namespace}`;
  };
  return { store, rows, identities, who, subjects: new Subjects(rows, plain), limits: new NamespaceLimits(rows) };
}

test('a subject may have several namespaces, each with a key and an id of its own', async () => {
  const { subjects, who } = aRegion();
  const first = await subjects.create({ subject: 'ann' });
  const second = await subjects.create({ subject: 'ann', namespace: 'lab' });
  assert.notEqual(first.namespaceId, second.namespaceId);
  assert.deepEqual([await who(first.authKey), await who(second.authKey)], ['ann in ann', 'ann in lab']);
  assert.deepEqual((await subjects.get('ann')).keys, [first, second]);
  await assert.rejects(subjects.create({ subject: 'ann', namespace: 'lab' }), { status: 409, message: 'Namespace already exists' });
});

test('a namespace may have several subjects; it goes with the last of them, and belongs to who is left until then', async () => {
  const { store, subjects, identities, who } = aRegion();
  const ann = await subjects.create({ subject: 'ann', namespace: 'lab' });
  const bob = await subjects.create({ subject: 'bob', namespace: 'lab' });
  assert.equal(ann.namespaceId, bob.namespaceId);
  assert.equal(await who(bob.authKey), 'bob in lab');
  assert.deepEqual(await subjects.soleNamespaces('ann'), []);
  assert.deepEqual(await subjects.remove('ann'), []);
  assert.equal((await identities.byNamespace('lab'))?.subject, 'bob');
  assert.equal(await who(ann.authKey), undefined);
  assert.deepEqual(await subjects.remove('bob', 'lab'), [{ namespace: 'lab', ns: bob.namespaceId }]);
  assert.deepEqual(await store.all(spaces.namespace), []);
});

test('who is blocked is a stranger, and so is its namespace unless another has a key to it', async () => {
  const { subjects, identities, who } = aRegion();
  const ann = await subjects.create({ subject: 'ann', namespace: 'lab' });
  await subjects.block('ann', true);
  assert.equal(await who(ann.authKey), undefined);
  assert.equal(await identities.byNamespace('lab'), undefined);
  assert.deepEqual(await subjects.ofNamespace('lab'), []);
  await assert.rejects(subjects.create({ subject: 'ann' }), { status: 409 });
  const bob = await subjects.create({ subject: 'bob', namespace: 'lab' });
  assert.equal((await identities.byNamespace('lab'))?.subject, 'bob');
  await subjects.block('ann', false);
  assert.deepEqual([await who(ann.authKey), await who(bob.authKey)], ['ann in lab', 'bob in lab']);
  await assert.rejects(subjects.block('nobody', true), { status: 404 });
});

test('`revoke` keeps the uuid and changes the secret, `force` changes both, and what was before opens nothing', async () => {
  const { subjects, who } = aRegion();
  const first = await subjects.create({ subject: 'ann' });
  const revoked = await subjects.create({ subject: 'ann', revoke: true });
  assert.equal(revoked.authKey.slice(0, 36), first.authKey.slice(0, 36));
  const forced = await subjects.create({ subject: 'ann', force: true });
  assert.notEqual(forced.authKey.slice(0, 36), first.authKey.slice(0, 36));
  assert.equal(forced.namespaceId, first.namespaceId);
  for (const { authKey } of [first, revoked]) assert.equal(await who(authKey), undefined);
  assert.equal(await who(forced.authKey), 'ann in ann');
  assert.deepEqual(await subjects.whois(forced.authKey), { subject: 'ann', namespace: 'ann' });
  assert.equal(await subjects.whois(first.authKey), undefined);
});

test('a key or an id that somebody has is not given to another', async () => {
  const { subjects } = aRegion();
  const { authKey } = await subjects.create({ subject: 'ann' });
  await assert.rejects(subjects.create({ subject: 'bob', authKey }), { status: 409 });
  await subjects.create({ subject: 'bob' });
  await assert.rejects(subjects.create({ subject: 'bob', force: true, authKey }), { status: 409 });
});

test('a rotated key opens beside the new one until its time is over', () => {
  const key = { hash: hashSecret('new'), previous: { hash: hashSecret('old'), untilMs: 1000 } };
  assert.deepEqual(
    [proves(key, 'new', 0), proves(key, 'old', 999), proves(key, 'old', 1000), proves(key, 'other', 0)],
    [true, true, false, false],
  );
  assert.equal(proves({ hash: hashSecret('new') }, 'new', 0), true);
});

test('limits are one row each, hold whoever has the name, and are taken back one by one', async () => {
  const { subjects, limits, identities, store } = aRegion();
  await limits.set('ann', { invocationsPerMinute: 0, allowedKinds: ['nodejs:20'] });
  await limits.set('ann', { maxPayloadSize: '1 KB' });
  await subjects.create({ subject: 'ann' });
  const all = { allowedKinds: ['nodejs:20'], invocationsPerMinute: 0, maxPayloadSize: '1 KB' };
  assert.deepEqual((await identities.byNamespace('ann'))?.limits, all);
  assert.equal((await store.all(spaces.limits)).length, 3);
  assert.equal(await limits.delete('ann', ['maxPayloadSize', 'firesPerMinute']), 1);
  assert.deepEqual(await limits.get('ann'), { allowedKinds: ['nodejs:20'], invocationsPerMinute: 0 });
  assert.equal(await limits.delete('ann'), 2);
  assert.deepEqual((await identities.byNamespace('ann'))?.limits, {});
  await assert.rejects(limits.set('a/b', {}), { status: 400 });
});
