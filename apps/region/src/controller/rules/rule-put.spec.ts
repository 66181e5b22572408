import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRulePut, readRuleState } from './rule-put.js';

test('trigger and action are texts or objects, and may be missing', () => {
  const action = { namespace: 'ann', pkg: 'p', name: 'a' };
  const trigger = { namespace: 'ann', pkg: undefined, name: 't' };
  assert.deepEqual(readRulePut({ trigger: '/_/t', action: { path: '_/p', name: 'a' } }, 'ann'), { trigger, action });
  assert.deepEqual(readRulePut({ version: '1.0.0', status: 'inactive' }, 'ann'), {
    trigger: undefined,
    action: undefined,
    version: '1.0.0',
  });
  assert.throws(() => readRulePut({ trigger: 't' }, 'ann'), /must contain at least the namespace/);
  assert.throws(() => readRulePut({ action: { name: 'a' } }, 'ann'), /rule reference malformed/);
});

test('a state is active or inactive, in this very spelling', () => {
  assert.equal(readRuleState({ status: 'inactive' }), 'inactive');
  assert.throws(() => readRuleState({ status: 'Active' }), /requirement failed: Active is not a recognized rule state/);
  assert.throws(() => readRuleState({}), /key not found: status/);
});
