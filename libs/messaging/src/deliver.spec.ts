import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver } from './deliver.js';

test('a batch that is handled is handled whole', async () => {
  assert.deepEqual(await deliver([1, 2, 3], () => Promise.resolve()), { handled: [1, 2, 3], failed: [] });
});

test('one message that cannot be handled does not hold up its neighbours', async () => {
  const { handled, failed } = await deliver([1, 2, 3, 4], (batch) => (batch.includes(2) ? Promise.reject(new Error()) : Promise.resolve()));
  assert.deepEqual(handled, [1, 3, 4]);
  assert.deepEqual(failed, [2]);
});

test('when nothing works at the moment, the rest is left untried', async () => {
  const tried: (readonly number[])[] = [];
  const { handled, failed } = await deliver([1, 2, 3, 4, 5], (batch) => {
    tried.push(batch);
    return Promise.reject(new Error('away'));
  });
  assert.deepEqual(handled, []);
  assert.deepEqual(failed, [1, 2, 3, 4, 5]);
  assert.equal(tried.length, 1 + 3);
});
