import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invokerStates, readinessOf } from './invoker-health.js';

const up = { name: 'invoker-0', connected: true, draining: false };
const lost = { name: 'invoker-1', connected: false, draining: false };
const draining = { name: 'invoker-2', connected: true, draining: true };

test('an invoker is up while it takes work', () => {
  assert.deepEqual(invokerStates([lost, draining, up]), { 'invoker0/0': 'up', 'invoker1/1': 'down', 'invoker2/2': 'down' });
  assert.deepEqual(invokerStates([{ ...up, name: 'pod-7' }]), { 'invoker0/pod-7': 'up' });
});

test('a controller is ready when all of its invokers are up, and there are some', () => {
  assert.deepEqual(readinessOf([up]), { ready: true, healthy: 1, all: 1 });
  assert.deepEqual(readinessOf([up, lost]), { ready: false, healthy: 1, all: 2 });
  assert.equal(readinessOf([]).ready, false);
});
