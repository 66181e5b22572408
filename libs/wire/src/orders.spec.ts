import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActivationRecord, RunOrder } from '#libs/domain';
import { decodeResult, decodeRun, encodeResult, encodeRun, packSecret, unpackSecret } from './orders.js';

test('an order of any size arrives whole, its arguments as the very bytes', () => {
  const order = { action: { main: 'm'.repeat(200_000) }, secret: { env: { A: 'é'.repeat(100_000) } } } as unknown as RunOrder;
  const args = Buffer.from('{"n":1.0,"\\u0000":"☃"}');
  const got = decodeRun(encodeRun(order, args));
  assert.deepEqual(got.order, order);
  assert.deepEqual(Buffer.from(got.args), args);
});

test('a record arrives with the text of its result and without logs', () => {
  const record = { name: 'a', response: { statusCode: 0, result: '{"n":1.0}', size: 9 }, logs: ['x'] } as unknown as ActivationRecord;
  assert.deepEqual(decodeResult(encodeResult(record)), { ...record, logs: [] });
  const none = { name: 'a', response: { statusCode: 2, result: undefined }, logs: [] } as unknown as ActivationRecord;
  assert.deepEqual(decodeResult(encodeResult(none)), none);
});

test('secrets and arguments come apart again', () => {
  const { secret, args } = unpackSecret(packSecret({ env: { A: '1' } }, Buffer.from('{}')));
  assert.deepEqual({ secret, args: args.toString() }, { secret: { env: { A: '1' } }, args: '{}' });
});
