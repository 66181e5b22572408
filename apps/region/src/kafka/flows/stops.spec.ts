import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, type StatusCode } from '#libs/domain';
import { stops } from './stops.js';

test('a failure ends a sequence, and so does a result with an error, whatever the error is', () => {
  const of = (statusCode: StatusCode, result: string) => stops({ statusCode, result: asJsonText(result) });
  assert.deepEqual(
    [of(0, '{}'), of(0, '{"a":{"error":1}}'), of(0, '["error"]'), of(0, '{"e":"\\"error\\""}')],
    [false, false, false, false],
  );
  assert.deepEqual([of(0, '{"error":null}'), of(1, '{}'), of(3, '{}')], [true, true, true]);
});
