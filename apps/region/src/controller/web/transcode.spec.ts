import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, type StatusCode } from '#libs/domain';
import type { ExactJson } from '#libs/http';
import { httpAnswer } from './http-response.js';
import { transcode } from './transcode.js';
import type { Extension } from './web-target.js';

const told = (extension: Extension, result: string, statusCode: StatusCode = 0) =>
  transcode({ statusCode, result: asJsonText(result) }, extension);
const shown = (type: string, body: string) => ({ status: 200, headers: {}, type, body });
const html = 'text/html; charset=UTF-8';

test('json shows objects and lists whole', () => {
  assert.deepEqual(told('json', '{"a":1.0,"statusCode":404}'), shown('application/json', '{\n  "a": 1.0,\n  "statusCode": 404\n}'));
  assert.deepEqual(told('json', '[1,2]'), shown('application/json', '[1, 2]'));
  assert.deepEqual(told('json', '{"error":"boom"}', 1), { status: 400, error: "Response is not valid 'application/json'." });
});

test('html, svg and text take body before their own field', () => {
  assert.deepEqual(told('html', '{"html":"no","body":"yes"}'), shown(html, 'yes'));
  assert.deepEqual(told('svg', '{"svg":"<svg/>"}'), shown('image/svg+xml', '<svg/>'));
  assert.deepEqual(told('text', '{"text":{"a":[1,2]}}'), shown('text/plain; charset=UTF-8', '{\n  "a": [1, 2]\n}'));
  assert.deepEqual(told('text', '{"text":null}'), shown('text/plain; charset=UTF-8', 'null'));
  assert.deepEqual(told('text', '{"a":1}'), { status: 404, error: 'Response does not include requested property.' });
  assert.deepEqual(told('html', '{"html":5}'), { status: 400, error: "Response is not valid 'text/html'." });
});

test('an application error shows what its error is, others say nothing', () => {
  assert.deepEqual(told('html', '{"error":"boom"}', 1), shown(html, 'boom'));
  assert.deepEqual(told('http', '{"error":{"statusCode":404,"body":"gone"}}', 1), { ...shown(html, 'gone'), status: 404 });
  assert.deepEqual(told('http', '{"error":"boom"}', 1), { status: 400, error: "Response is not valid 'message/http'." });
  assert.deepEqual(told('http', '{"error":"boom"}', 2), { status: 400, error: 'There was an error processing your request.' });
});

const invalid = { status: 400, error: "Response is not valid 'message/http'." };
const mismatch = { status: 400, error: 'Response type in header did not match generated content type.' };
const typed = (type: string, body: ExactJson) => httpAnswer({ headers: { 'Content-Type': type }, body });

test('http: an empty body has no type and no content unless a status says otherwise', () => {
  assert.deepEqual(httpAnswer({}), { status: 204, headers: {} });
  assert.deepEqual(httpAnswer({ body: '', headers: { 'content-type': 'text/plain', 'X-A': 'b' } }), {
    status: 204,
    headers: { 'x-a': 'b' },
  });
  assert.deepEqual(httpAnswer({ statusCode: 404 }), { status: 404, headers: {} });
});

test('http: statuses are 200 to 599, as numbers or digits', () => {
  assert.equal((httpAnswer({ statusCode: '203' }) as { status: number }).status, 203);
  for (const statusCode of [99, 101, 199, 600, 200.5, 'x', true, []]) assert.deepEqual(httpAnswer({ statusCode }), invalid);
  for (const statusCode of [200, 444, 599]) assert.deepEqual(httpAnswer({ statusCode }), { status: statusCode, headers: {} });
});

test('http: headers are texts, numbers, booleans or lists of them; the connection’s and the platform’s are dropped', () => {
  const headers = {
    'X-N': 5,
    'x-t': true,
    'set-cookie': ['a=1', 'b=2'],
    'Content-Length': 3,
    'X-Isochrone-Fault': 'x',
    'X-Request-ID': 'y',
    'X-GW-Cache': 'HIT',
  };
  assert.deepEqual(httpAnswer({ headers }), { status: 204, headers: { 'x-n': '5', 'x-t': 'true', 'set-cookie': ['a=1', 'b=2'] } });
  for (const bad of [{ a: null }, { a: {} }, { 'a b': 'c' }, { a: 'b\r\nc' }, { a: '☃' }, 'x', null])
    assert.deepEqual(httpAnswer({ headers: bad }), invalid);
});

test('http: texts are sent by their type: text as it is, binary decoded, JSON either', () => {
  assert.deepEqual(typed('text/plain', 'x'), shown('text/plain; charset=UTF-8', 'x'));
  assert.deepEqual(typed('text/javascript; charset=utf-8', 'x=1'), shown('text/javascript; charset=UTF-8', 'x=1'));
  assert.deepEqual(typed('text/event-stream', 'x'), shown('text/event-stream', 'x'));
  assert.deepEqual(typed('application/json; charset=utf-8', '{"a": 1}'), shown('application/json', '{"a": 1}'));
  assert.deepEqual(typed('application/json', 'eyJhIjoxfQ=='), { ...shown('application/json', ''), body: Buffer.from('{"a":1}') });
  assert.deepEqual(typed('image/png', 'iVBORw0KGgo='), { ...shown('image/png', ''), body: Buffer.from('iVBORw0KGgo=', 'base64') });
  assert.deepEqual(typed('image/svg+xml', '<svg/>'), mismatch);
  assert.deepEqual(typed('nonsense', 'x'), { status: 400, error: 'Response did not specify a known content-type.' });
});

test('http: values that are no text are JSON, under a JSON type or none', () => {
  assert.deepEqual(httpAnswer({ body: { a: 1 } }), shown('application/json', '{\n  "a": 1\n}'));
  assert.deepEqual(httpAnswer({ body: false }), shown('application/json', 'false'));
  assert.deepEqual(typed('application/hal+json', { a: 1 }), shown('application/hal+json; charset=UTF-8', '{\n  "a": 1\n}'));
  assert.deepEqual(typed('text/plain', { a: 1 }), mismatch);
  assert.deepEqual(typed('nonsense', { a: 1 }), mismatch);
});
