import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles } from '#libs/domain';
import { parseExact, Query } from '#libs/http';
import { readParameters, readPutObject, readSized, readVersioned } from './entity-put.js';
import { readPage } from './listing.js';

const profile = limitProfiles.openwhisk;
const malformed = (reason: string): object => ({ status: 400, message: `The request content was malformed:\n${reason}` });

test('a PUT is an object', () => {
  for (const text of ['[]', '"a"', 'null', '1', '1.0']) {
    assert.throws(() => readPutObject(parseExact(text)), malformed("Object expected in field 'exec'"));
  }
});

test('parameters are entries with key and value; null counts as none, the last of a key counts', () => {
  assert.equal(readParameters(null), undefined);
  assert.deepEqual(
    readParameters(parseExact('[{"key":"a","value":1},{"key":"a","value":2.0,"init":true},{"key":"b","value":null,"init":false}]')),
    [
      { key: 'a', value: '2.0', init: true },
      { key: 'b', value: 'null' },
    ],
  );
  for (const text of ['{"a":1}', '"x"', '[{"key":"a"}]', '[{"value":1}]', '[{"key":1,"value":1}]', '[1]']) {
    assert.throws(() => readParameters(parseExact(text)), malformed('parameters malformed!'));
  }
});

test('sizes are measured under, at and over the limit', () => {
  const body = (letters: number): { parameters: { key: string; value: string }[] } => ({
    parameters: [{ key: 'a', value: 'x'.repeat(letters) }],
  });
  for (const letters of [1, 1048573]) readSized(body(letters), profile);
  assert.throws(() => readSized(body(1048574), profile), {
    status: 413,
    message: 'parameters larger than allowed: 1048577 > 1048576 bytes.',
  });
  assert.throws(() => readSized({ annotations: [{ key: 'é', value: 'x'.repeat(1048576) }] }, profile), {
    message: 'annotations larger than allowed: 1048580 > 1048576 bytes.',
  });
});

test('version and publish are read leniently or refused in the platform’s words', () => {
  assert.deepEqual(readVersioned({ version: '1', publish: true }), { version: '1.0.0', publish: true });
  assert.deepEqual(readVersioned({ version: null, publish: null }), {});
  assert.throws(() => readVersioned({ version: 1 }), malformed('semantic version malformed'));
  assert.throws(() => readVersioned({ publish: 'yes' }), malformed('Expected JsBoolean, but got "yes"'));
});

test('pages are read within their ranges: under, at and over', () => {
  const page = (text: string) => readPage(new Query(text), 'actions', profile);
  assert.deepEqual(page(''), { skip: 0, limit: 30, count: false });
  assert.deepEqual(page('limit=0&skip=3&count=yes'), { skip: 3, limit: 200, count: true });
  assert.equal(page('limit=200').limit, 200);
  const query = (name: string, reason: string): object => ({
    status: 400,
    message: `The query parameter '${name}' was malformed:\n${reason}`,
  });
  assert.throws(() => page('limit=201'), query('limit', "The value '201' is not in the range of 0 to 200 for actions."));
  assert.throws(() => page('limit=-1'), query('limit', "The value '-1' is not in the range of 0 to 200 for actions."));
  assert.throws(() => page('limit='), query('limit', "The value '' is not an integer for actions."));
  assert.throws(() => page('skip=-1'), query('skip', "The value '-1' is not greater than or equal to 0 for actions."));
});
