import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOff } from './backoff.js';

test('the first restart is quick, later ones wait longer, within bounds', () => {
  const waits: number[] = [];
  for (let crashes = 0; crashes < 12;) {
    const next = backOff(crashes, 50);
    waits.push(next.waitMs);
    crashes = next.crashes;
  }
  assert.equal(waits[0], 100);
  assert.ok(waits.every((wait, i) => i === 0 || wait >= (waits[i - 1] ?? 0)));
  assert.equal(waits.at(-1), 10_000);
});

test('a process that stayed up begins anew', () => {
  assert.deepEqual(backOff(9, 60_000), { waitMs: 100, crashes: 1 });
});
