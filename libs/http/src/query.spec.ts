import assert from 'node:assert/strict';
import { test } from 'node:test';
import { integer, Query } from './query.js';

test('the first of a repeated key counts', () => {
  assert.equal(new Query('limit=1&limit=999').text('limit'), '1');
});

test('truth values have four words each, in any case; an empty one counts as absent', () => {
  for (const word of ['true', 'YES', 'on', '1']) assert.equal(new Query(`b=${word}`).boolean('b', false), true);
  for (const word of ['false', 'No', 'OFF', '0']) assert.equal(new Query(`b=${word}`).boolean('b', true), false);
  assert.equal(new Query('b=').boolean('b', true), true);
  assert.equal(new Query('').boolean('b', false), false);
  assert.throws(() => new Query('b=maybe').boolean('b', false), {
    message: "The query parameter 'b' was malformed:\n'maybe' is not a valid Boolean value",
  });
});

test('integers are whole numbers of 32 bits', () => {
  assert.deepEqual(['+1', '-1', '0', '2147483647'].map(integer), [1, -1, 0, 2147483647]);
  assert.deepEqual(['', '1.5', 'x', '2147483648', '99999999999', ' 1'].map(integer), Array(6).fill(undefined));
});
