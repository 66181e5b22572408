import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, AnswerHeaders } from '#libs/http';
import { addressedBy, keptMs, mayAskCache } from './cache-rules.js';
import { ResponseCache } from './response-cache.js';

const answer = (headers: AnswerHeaders, body = 'x', status = 200): Answer => ({ status, headers, type: 'text/plain', body });
const minute = { 'cache-control': 'public, max-age=60' };

test('an answer is kept for as long as it says, at most half an hour', () => {
  assert.equal(keptMs(answer(minute)), 60_000);
  assert.equal(keptMs(answer({ 'cache-control': 's-maxage="5", max-age=60' })), 5000);
  assert.equal(keptMs(answer({ 'cache-control': 'MAX-AGE=86400' })), 1_800_000);
});

test('what is not for everyone, is encoded, or says nothing is not kept', () => {
  const more: AnswerHeaders[] = [{ 'content-encoding': 'gzip' }, { 'set-cookie': 'a=b' }, { vary: 'Accept, *' }];
  for (const headers of more) assert.equal(keptMs(answer({ ...minute, ...headers })), 0);
  for (const says of ['private, max-age=60', 'no-store, max-age=60', 'no-cache', 'max-age=x', 'max-age=0', ''])
    assert.equal(keptMs(answer({ 'cache-control': says })), 0, says);
  assert.equal(keptMs(answer({})), 0);
  assert.equal(keptMs(answer(minute, 'x', 500)), 0);
});

test('requests that prove something about their sender are not answered from memory', () => {
  assert.ok(mayAskCache('GET', {}));
  assert.ok(mayAskCache('HEAD', { cookie: 'a=b' }));
  assert.ok(!mayAskCache('POST', {}));
  assert.ok(!mayAskCache('GET', { authorization: 'Basic x' }));
  assert.ok(!mayAskCache('GET', { 'x-require-whisk-auth': 'x' }));
  assert.ok(!mayAskCache('GET', { 'cache-control': 'no-cache' }));
});

test('where a request says that it was sent to is part of its address; who sent it is not', () => {
  const sent = { host: 'h', accept: 'a', 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'h' };
  assert.deepEqual(addressedBy(sent), addressedBy({ ...sent, accept: 'b', 'x-forwarded-for': '5.6.7.8' }));
  for (const name of ['host', 'forwarded', 'x-host', 'x-forwarded-host', 'x-forwarded-port', 'x-original-url', 'x-http-host-override'])
    assert.notDeepEqual(addressedBy({ ...sent, [name]: 'evil' }), addressedBy(sent), name);
});

test('an answer is told again to those who sent what it depends on, with its age, until it is out of date', () => {
  let now = 1000;
  const cache = new ResponseCache(undefined, () => now);
  const german = answer({ ...minute, vary: 'Accept-Language, X-A' }, 'hallo');
  cache.keep('t', '/a', { 'accept-language': 'de' }, german);
  cache.keep('t', '/a', { 'accept-language': 'en' }, { ...german, body: 'hello' });
  now += 59_000;
  assert.deepEqual(cache.find('/a', { 'accept-language': 'de' }), { ...german, headers: { ...german.headers, age: '59' } });
  assert.equal(cache.find('/a', { 'accept-language': 'en' })?.body, 'hello');
  assert.equal(cache.find('/a', { 'accept-language': 'fr' }), undefined);
  assert.equal(cache.find('/b', { 'accept-language': 'de' }), undefined);
  now += 1000;
  assert.equal(cache.find('/a', { 'accept-language': 'de' }), undefined);
});

test('no tenant takes more than its share, and what is out of date makes room', () => {
  let now = 0;
  const cache = new ResponseCache({ bytes: 100_000, answerBytes: 5000, tenantBytes: 10_000 }, () => now);
  cache.keep('a', '/huge', {}, answer(minute, 'x'.repeat(5000)));
  assert.equal(cache.find('/huge', {}), undefined);
  for (let i = 0; i < 20; i += 1) cache.keep('a', `/a${i}`, {}, answer(minute, 'x'.repeat(500)));
  cache.keep('b', '/b', {}, answer(minute));
  const held = Array.from({ length: 20 }, (_, i) => cache.find(`/a${i}`, {})).filter((one) => one !== undefined).length;
  assert.ok(held > 0 && held < 10, String(held));
  assert.ok(cache.find('/b', {}));
  now = 60_000;
  cache.keep('a', '/later', {}, answer(minute, 'x'.repeat(500)));
  assert.ok(cache.find('/later', {}));
});
