import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPayload, readTypedBody } from './json-body.js';

const bytes = (text: string): Buffer => Buffer.from(text);
const json = 'application/json';

test('a payload is an object or nothing', () => {
  assert.deepEqual(readPayload(undefined, bytes('')), {});
  assert.deepEqual(readPayload(json, bytes('{"a":1}')), { a: 1 });
  for (const text of ['[1]', '"a"', 'null', 'true']) {
    assert.throws(() => readPayload(json, bytes(text)), { message: 'The request content was malformed:\nJSON object expected' });
  }
});

test('a body that is not JSON by its type is refused with the type it names', () => {
  const expected = (type: string): object => ({
    status: 415,
    message: `The request's Content-Type [${type}] is not supported. Expected:\napplication/json`,
  });
  assert.throws(() => readTypedBody('text/plain', bytes('{}')), expected('text/plain'));
  assert.throws(() => readTypedBody(undefined, bytes('{}')), expected('application/octet-stream'));
  assert.throws(() => readPayload('application/vnd.api+json', bytes('{}')), expected('application/vnd.api+json'));
});

test('a typed body may be neither missing nor broken', () => {
  for (const text of ['', '{', '{} x', "{'a':1}", '   ']) assert.throws(() => readTypedBody(json, bytes(text)), { status: 400 });
  assert.deepEqual(readTypedBody('Application/JSON; charset=iso-8859-1', bytes('{}')), {});
});
