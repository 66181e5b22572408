import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '#libs/domain';
import { restCors, webCors } from './answer.js';
import { failureAnswer, restManner, toFailure } from './failure-answer.js';

test('an error is {error, code} with the transaction id as code, and says nothing else', () => {
  const { status, body, type } = failureAnswer(new Failure('not-found'), restManner('t1'));
  assert.deepEqual(
    { status, type, body },
    { status: 404, type: 'application/json', body: '{"error":"The requested resource does not exist.","code":"t1"}' },
  );
});

test('handlers’ errors carry CORS headers, rejections do not', () => {
  assert.equal(
    failureAnswer(new Failure('not-found'), restManner('t')).headers['access-control-allow-origin'],
    restCors['access-control-allow-origin'],
  );
  for (const code of ['no-route', 'malformed-content', 'malformed-query', 'bad-name', 'unsupported-type', 'not-acceptable'] as const) {
    assert.equal('access-control-allow-origin' in failureAnswer(new Failure(code), restManner('t')).headers, false, code);
  }
});

test('a 401 says how to authenticate, except for a web action', () => {
  assert.ok('www-authenticate' in failureAnswer(new Failure('unauthenticated'), restManner('t')).headers);
  assert.ok(!('www-authenticate' in failureAnswer(new Failure('web-auth'), restManner('t')).headers));
});

test('web errors are pretty, their rejections compact', () => {
  const manner = { transid: 't', cors: webCors(undefined), pretty: true };
  assert.match(String(failureAnswer(new Failure('web-auth'), manner).body), /^\{\n {2}"error"/);
  assert.match(String(failureAnswer(new Failure('malformed-content', { reason: 'x' }), manner).body), /^\{"error"/);
});

test('what nobody foresaw is our own fault, and tells nothing of its cause', () => {
  const answer = failureAnswer(toFailure(new TypeError('secret')), restManner('t'));
  assert.equal(answer.status, 500);
  assert.equal(answer.headers['x-isochrone-fault'], 'internal');
  assert.ok(!String(answer.body).includes('secret'));
});

test('a throttle may tell when to come again', () => {
  assert.equal(failureAnswer(new Failure('throttled', { reason: 'x' }, { retryAfterS: 7 }), restManner('t')).headers['retry-after'], '7');
});

test('a dependency that cannot be reached makes the region unavailable, and says when to come again', () => {
  for (const cause of [
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('the database system is starting up'), { code: '57P03' }),
    new Error('Connection terminated unexpectedly'),
  ]) {
    const { status, headers } = failureAnswer(toFailure(cause), restManner('t'));
    assert.deepEqual([status, headers['x-isochrone-fault'], headers['retry-after']], [503, 'dependency', '1']);
  }
});
