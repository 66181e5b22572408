import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawArguments, webArguments, type WebRequest } from './web-arguments.js';

const request = (given: Partial<WebRequest> & { type?: string; text?: string }): WebRequest => ({
  method: 'POST',
  path: '',
  query: '',
  rawHeaders: given.type === undefined ? [] : ['Content-Type', given.type, 'Content-Length', '9'],
  body: Buffer.from(given.text ?? ''),
  user: undefined,
  ...given,
});
const read = (given: Parameters<typeof request>[0]): Record<string, string> => Object.fromEntries(webArguments(request(given)).members);
const raw = (given: Parameters<typeof request>[0]): Record<string, string> => Object.fromEntries(rawArguments(request(given)).members);
const text = '{"s":"日本語 é 👩‍👩‍👧 \u2028"}';
const base64 = JSON.stringify(Buffer.from(text).toString('base64'));

test('metadata tells method, headers, path and user; the length is left out, the last of a header counts', () => {
  const { members } = webArguments(
    request({ type: 'text/plain', path: '/x', user: 'ann', rawHeaders: ['X-A', '1', 'x-a', '2', 'content-length', '0'] }),
  );
  assert.deepEqual(Object.fromEntries(members), {
    __ow_method: '"post"',
    __ow_headers: '{"x-a":"2"}',
    __ow_path: '"/x"',
    __ow_user: '"ann"',
  });
});

test('fields of the body lie over the query, each number with its spelling', () => {
  const got = read({ type: 'application/json', query: 'q=1&r=1&r=2', text: '{"r":2.0,"s":null}' });
  assert.deepEqual([got['q'], got['r'], got['s']], ['"1"', '2.0', 'null']);
  const form = read({ type: 'application/x-www-form-urlencoded', text: 'r=2&s=a+b%26c&r=3' });
  assert.deepEqual([form['r'], form['s']], ['"3"', '"a b&c"']);
});

test('a body that has no fields arrives whole: JSON as it is, text as text, the rest as base64', () => {
  assert.equal(read({ type: 'application/hal+json', text: '[1.0]' })['__ow_body'], '[1.0]');
  assert.equal(read({ type: 'text/plain', text: 'héllo' })['__ow_body'], '"héllo"');
  assert.equal(read({ text: '\0' })['__ow_body'], '"AA=="');
  assert.equal('__ow_body' in read({ type: 'application/json', text: '' }), false);
  assert.throws(() => read({ type: 'application/json', text: '{' }), { code: 'malformed-content' });
});

test('raw: JSON is base64, an unknown +json type too, unless a charset makes it text', () => {
  assert.equal(raw({ type: 'application/json', text })['__ow_body'], base64);
  assert.equal(raw({ type: 'application/cloudevents+json', text })['__ow_body'], base64);
  assert.equal(raw({ type: 'application/cloudevents+json; charset=UTF-8', text })['__ow_body'], JSON.stringify(text));
  assert.equal(raw({ type: 'application/x-www-form-urlencoded', text: 'a=1&b=2' })['__ow_body'], '"a=1&b=2"');
});

test('raw: the query is parsed and written again, and a missing body is an empty text', () => {
  const got = raw({ query: 'q=1&r=%20&q=2', method: 'GET' });
  assert.deepEqual([got['__ow_query'], got['__ow_body']], ['"q=1&r=+&q=2"', '""']);
});

test('names that the caller chose are those of query and body', () => {
  assert.deepEqual(webArguments(request({ type: 'application/json', query: 'a=1', text: '{"b":1}' })).chosen, ['a', 'b']);
  assert.deepEqual(webArguments(request({ type: 'text/plain', text: 'x' })).chosen, []);
});
