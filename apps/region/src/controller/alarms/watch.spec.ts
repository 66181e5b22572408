import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegionCode } from '#libs/domain';
import { afterFailure } from './attempts.js';
import { DueHeap } from './due-heap.js';
import { firesHere } from './watch.js';

const code = (number: number) => number as RegionCode;
const others = (away: Record<number, number>) => new Map(Object.entries(away).map(([key, ms]) => [code(Number(key)), ms]));

test('the owner makes an alarm go off, whatever it sees of others', () => {
  assert.ok(firesHere(code(2), code(2), others({ 1: 99_999, 3: 99_999 }), 1000));
  assert.ok(!firesHere(code(1), code(2), others({ 2: 0, 3: 0 }), 1000));
  assert.ok(!firesHere(code(1), code(2), others({ 2: 999, 3: 0 }), 1000), 'a short silence changes nothing');
});

test('the least of those that are left takes over, and one of them only', () => {
  assert.ok(firesHere(code(1), code(2), others({ 2: 1000, 3: 0 }), 1000));
  assert.ok(!firesHere(code(3), code(2), others({ 1: 0, 2: 1000 }), 1000));
  assert.ok(firesHere(code(3), code(2), others({ 1: 5000, 2: 1000 }), 1000));
  assert.ok(firesHere(code(1), code(9), others({ 2: 0 }), 1000), 'an owner that left the world is out of reach');
});

test('a failed fire is tried again, missed, or the end of the alarm, by its status', () => {
  const text = 'Trigger automatically disabled: Received a 404 status code when firing the trigger';
  assert.deepEqual(afterFailure(404, 0, 0), { kind: 'disable', statusCode: 404, message: text });
  for (const status of [408, 409, 500, 503]) assert.deepEqual(afterFailure(status, 0, 0), { kind: 'again', inMs: 1000, throttled: 0 });
  assert.deepEqual(afterFailure(429, 2, 2), { kind: 'again', inMs: 9000, throttled: 3 });
  assert.deepEqual(afterFailure(503, 10, 3), { kind: 'miss' });
  assert.equal(afterFailure(429, 10, 10).kind, 'disable');
});

test('what is due comes out in its order, and not before its time', () => {
  const heap = new DueHeap<number>();
  const times = Array.from({ length: 200 }, (_, n) => (n * 7919) % 211);
  for (const time of times) heap.push(time, time);
  assert.equal(heap.nextMs, 0);
  assert.equal(heap.pop(-1), undefined);
  const out = times.map(() => heap.pop(1000));
  assert.deepEqual(
    out,
    times.toSorted((a, b) => a - b),
  );
  assert.equal(heap.size, 0);
  assert.equal(heap.pop(1000), undefined);
});
