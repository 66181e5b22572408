import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles, type Action, type ActivationId, type EntityId, type Hlc, type NamespaceId, type Transid } from '#libs/domain';
import type { ResolvedAction } from '../definitions/resolver.js';
import { runOrder } from './run-order.js';

const action = {
  type: 'action',
  entityId: 'e' as EntityId,
  hlc: '9' as Hlc,
  path: 'p/a',
  version: '0.0.2',
  exec: { type: 'code', kind: 'nodejs:20', binary: false, blob: 'b', codeBytes: 1, keyVersion: 3 },
  limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
} as Action;
const resolved: ResolvedAction = {
  action,
  name: 'a',
  owner: { name: 'provider', ns: 'p-id' as NamespaceId },
  pkg: 'p',
  parameters: [],
  binding: undefined,
  version: '9',
};
const occasion = {
  activationId: 'id' as ActivationId,
  transid: 't' as Transid,
  identity: { subject: 'ann', namespace: 'ann', ns: 'a-id' as NamespaceId, limits: {} },
  acceptedAtMs: 1,
  blocking: true,
  apiKey: undefined,
  env: { K: 'v' },
};

test('an order runs the provider’s version in the namespace of the caller', () => {
  const order = runOrder(resolved, occasion, limitProfiles.openwhisk);
  assert.equal(order.ns, 'a-id');
  assert.deepEqual([order.action.ns, order.action.fqn, order.action.main, order.action.keyVersion], ['p-id', 'provider/p/a', 'main', 3]);
  assert.deepEqual(order.secret, { env: { K: 'v' } });
  assert.equal(order.filterName, 'p/a');
  assert.ok(!('refusal' in order) && !('binding' in order));
});

test('through a binding, the record is filed under the binding’s package', () => {
  const order = runOrder({ ...resolved, binding: 'ann/mine' }, occasion, limitProfiles.openwhisk);
  assert.deepEqual([order.filterName, order.binding, order.action.fqn], ['mine/a', 'ann/mine', 'provider/p/a']);
});

test('limits that are no longer allowed become a refusal', () => {
  const large = { ...resolved, action: { ...action, limits: { ...action.limits, memory: 700 } } };
  const { refusal } = runOrder(large, occasion, limitProfiles.openwhisk);
  assert.equal(refusal, 'requirement failed: memory size 700 MB exceeds allowed threshold of 512 MB');
});
