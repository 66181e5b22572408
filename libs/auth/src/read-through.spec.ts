import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadThrough } from './read-through.js';

/** A cache whose loads end when the test says so. */
function aCache(): { cache: ReadThrough<{ v: number }>; loads: ((value: { v: number } | undefined) => void)[] } {
  const loads: ((value: { v: number } | undefined) => void)[] = [];
  const cache = new ReadThrough<{ v: number }>({ max: 10, ttlMs: 60_000 }, () => new Promise((resolve) => loads.push(resolve)));
  return { cache, loads };
}

test('those who ask at the same time share one load, and later ones its value', async () => {
  const { cache, loads } = aCache();
  const both = [cache.read('a'), cache.read('a')];
  loads[0]?.({ v: 1 });
  assert.deepEqual(await Promise.all(both), [{ v: 1 }, { v: 1 }]);
  assert.deepEqual(await cache.read('a'), { v: 1 });
  assert.equal(loads.length, 1);
});

test('a value read before a change is never kept', async () => {
  const { cache, loads } = aCache();
  const before = cache.read('a');
  cache.forget('a');
  const after = cache.read('a');
  loads[1]?.({ v: 2 });
  assert.deepEqual(await after, { v: 2 });
  loads[0]?.({ v: 1 });
  assert.deepEqual(await before, { v: 1 });
  assert.deepEqual(await cache.read('a'), { v: 2 });
});

test('what is absent, and what failed, is asked for again', async () => {
  const { cache, loads } = aCache();
  const none = cache.read('a');
  loads[0]?.(undefined);
  assert.equal(await none, undefined);
  const some = cache.read('a');
  loads[1]?.({ v: 1 });
  assert.deepEqual(await some, { v: 1 });
  let tries = 0;
  const failing = new ReadThrough<{ v: number }>({ max: 1, ttlMs: 1000 }, () => Promise.reject(new Error(`try ${(tries += 1)}`)));
  await assert.rejects(failing.read('a'), { message: 'try 1' });
  await assert.rejects(failing.read('a'), { message: 'try 2' });
});
