import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsSandbox, prefixOf, toResponse, type Outcome } from './outcome.js';

const ran = (body: string, ok = true, bytes = Buffer.byteLength(body)): Outcome => ({ kind: 'answered', phase: 'run', ok, body, bytes });
const initialised = (body: string): Outcome => ({ kind: 'answered', phase: 'init', ok: false, body, bytes: Buffer.byteLength(body) });
const respond = (outcome: Outcome, limit = 1000) => toResponse(outcome, limit);

test('an object is a success and keeps its very text', () => {
  assert.deepEqual(respond(ran('{"n":1.0}')), { statusCode: 0, result: '{"n":1.0}', size: 9 });
});

test('an array is a success', () => {
  assert.deepEqual(respond(ran('[1]')), { statusCode: 0, result: '[1]', size: 3 });
});

test('an error field makes an application error and its siblings are lost', () => {
  assert.deepEqual(respond(ran('{"error":{"a":1},"other":2}')), { statusCode: 1, result: '{"error":{"a":1}}', size: 27 });
});

test('an error field of null is an error too', () => {
  assert.equal(respond(ran('{"error":null}')).statusCode, 1);
});

test('a refusal of the runtime is a developer error with its words', () => {
  assert.deepEqual(respond(ran('{"error":"The action did not return a dictionary."}', false)).statusCode, 2);
});

test('what is no JSON object is quoted', () => {
  assert.equal(respond(ran('null')).result, '{"error":"The action did not produce a valid JSON or JSON Array response: null"}');
  assert.equal(respond(ran('', true)).result, '{"error":"The action did not produce a valid JSON or JSON Array response."}');
});

test('a result at the limit passes and one byte more does not', () => {
  const at = `{"a":"${'x'.repeat(92)}"}`;
  assert.equal(respond(ran(at), 100).statusCode, 0);
  const over = respond(ran(`{"a":"${'x'.repeat(93)}"}`), 100);
  assert.equal(over.statusCode, 1);
  assert.equal(over.size, 101);
  assert.match(over.result ?? '', /exceeded the allowed length: 101 > 100 bytes\. The truncated response was: \{\\"a\\":\\"x{93}\\"/);
});

test('a too large answer of init is a developer error', () => {
  assert.equal(respond(initialised('x'.repeat(101)), 100).statusCode, 2);
});

test('init fails with the words of the runtime or its whole answer', () => {
  assert.equal(respond(initialised('{"error":"bad"}')).result, '{"error":"bad"}');
  assert.equal(respond(initialised('odd')).result, '{"error":"The action failed during initialization: odd"}');
  assert.equal(respond(initialised('')).result, '{"error":"The action failed during initialization."}');
});

test('a limit in time names itself and the phase', () => {
  assert.equal(
    respond({ kind: 'timed-out', phase: 'run', timeoutMs: 100 }).result,
    '{"error":"The action exceeded its time limits of 100 milliseconds."}',
  );
  assert.equal(
    respond({ kind: 'timed-out', phase: 'init', timeoutMs: 100 }).result,
    '{"error":"The action exceeded its time limits of 100 milliseconds during initialization."}',
  );
});

test('a lost run says that it may have run', () => {
  const { statusCode, result } = respond({ kind: 'lost' });
  assert.equal(statusCode, 3);
  assert.match(result ?? '', /may have run/);
});

test('a sandbox is kept after success and application error alone', () => {
  assert.deepEqual(
    [ran('{}'), ran('{"error":1}'), ran('1'), { kind: 'lost' } as const].map((o) => keepsSandbox(respond(o))),
    [true, true, false, false],
  );
});

test('a prefix never cuts a character', () => {
  assert.equal(prefixOf('aé☃😀', 0), '');
  assert.equal(prefixOf('aé☃😀', 2), 'a');
  assert.equal(prefixOf('aé☃😀', 3), 'aé');
  assert.equal(prefixOf('aé☃😀', 6), 'aé☃');
  assert.equal(prefixOf('aé☃😀', 9), 'aé☃');
  assert.equal(prefixOf('aé☃😀', 10), 'aé☃😀');
});
