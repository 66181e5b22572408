import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readiness } from './readiness.js';

const warnings = ['Sandboxes are not isolated.'];
const sandbox = { driver: 'process', isolated: false, warnings, kinds: [] } as const;
const invoker = { name: 'invoker-0', connected: true, draining: false, sandbox };
const well = { stopping: false, postgres: true, queue: true, invokers: [invoker, { ...invoker, name: 'invoker-1' }] };

test('a controller is ready when everything it needs is, and says once what an operator must know', () => {
  assert.deepEqual(readiness(well), { ready: true, checks: { serving: true, postgres: true, queue: true, invokers: 2 }, warnings });
});

test('any one thing that is missing makes it not ready', () => {
  for (const missing of [
    { stopping: true },
    { postgres: false },
    { queue: false },
    { invokers: [] },
    { invokers: [{ ...invoker, draining: true }] },
  ]) {
    assert.equal(readiness({ ...well, ...missing }).ready, false, JSON.stringify(missing));
  }
});
