import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Query } from '#libs/http';
import { readActivationIdSegment, readFilter } from './activation-query.js';

test('filters are read; an empty name is none, a slash in front is tolerated', () => {
  assert.deepEqual(readFilter(new Query('name=/p/a&since=1&upto=1577836800000')), { name: 'p/a', since: 1, upto: 1577836800000 });
  assert.deepEqual(readFilter(new Query('name=')), {});
  assert.throws(() => readFilter(new Query('name=a/b/c')), {
    message: "The query parameter 'name' was malformed:\nParameter may be a 'simple' name or 'package-name/simple' name: a/b/c",
  });
  assert.throws(() => readFilter(new Query('since=x')), {
    message: "The query parameter 'since' was malformed:\nParameter is not a valid value for epoch seconds: x",
  });
});

test('an activation id has 32 hex digits', () => {
  assert.equal(readActivationIdSegment('0123456789abcdef0123456789abcdef'), '0123456789abcdef0123456789abcdef');
  assert.throws(() => readActivationIdSegment('0'.repeat(31)), { message: 'Activation id length is 31 but must be 32.' });
  assert.throws(() => readActivationIdSegment('0'.repeat(33)), { message: 'Activation id length is 33 but must be 32.' });
  assert.throws(() => readActivationIdSegment(`z${'0'.repeat(31)}`), { message: 'The activation id is not valid.' });
});
