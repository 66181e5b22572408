import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntityId, Rule } from '#libs/domain';
import { rulesJson, statusOf } from './rule-document.js';

const trigger = { path: 't', entityId: 'first' as EntityId };
const rule = {
  path: 'r',
  trigger: { path: 'ann', name: 't' },
  triggerId: trigger.entityId,
  action: { path: 'ann/p', name: 'a' },
  status: 'active',
} as unknown as Rule;

test('a rule is inactive once its trigger is gone, and stays so when another of that name is made', () => {
  assert.equal(statusOf(rule, trigger), 'active');
  assert.equal(statusOf(rule, undefined), 'inactive');
  assert.equal(statusOf(rule, { ...trigger, entityId: 'second' as EntityId }), 'inactive');
});

test('a trigger tells its rules by their full names', () => {
  assert.equal(rulesJson([rule], 'ann'), '{"ann/r":{"action":{"path":"ann/p","name":"a"},"status":"active"}}');
});
