import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalTarget, namespaceLocation, namespaceOfHost } from './address.js';

const domain = 'example.net';
const on = (host: string, target: string): string => canonicalTarget(target, host, domain);

test('a host names a namespace where it is one label below the domain', () => {
  for (const host of ['ann.example.net', 'ANN.Example.net:8443', 'ann.example.net.', ' ann.example.net '])
    assert.equal(namespaceOfHost(host, domain), 'ann', host);
  for (const host of [
    'example.net',
    'ann.other.net',
    'a.b.example.net',
    'annexample.net',
    'a_b.example.net',
    '-a.example.net',
    '.example.net',
    'ann.example.net.evil.org',
    'ann.example.net@evil.org',
    '',
  ])
    assert.equal(namespaceOfHost(host, domain), undefined, host);
  assert.equal(namespaceOfHost('ann.example.net', undefined), undefined);
  assert.equal(namespaceOfHost('12345-demo.example.net', domain), '12345-demo');
});

test('a namespace host serves its web actions and APIs in all forms', () => {
  const cases = [
    ['/api/v1/web/default/hello.json/a/b?c=/d', '/api/v1/web/ann/default/hello.json/a/b?c=/d'],
    ['/api/v1/web/ann/default/hello', '/api/v1/web/ann/default/hello'],
    ['/api/v1/web/ann/hello', '/api/v1/web/ann/ann/hello'],
    ['/apis/pets/dogs?x', '/apis/ann/pets/dogs?x'],
    ['/apis/ann/pets/dogs', '/apis/ann/pets/dogs'],
    ['/runtime/api/v1/web/ann/default/hello', '/api/v1/web/ann/default/hello'],
    ['/default/hello.json/a/b?c=/d', '/api/v1/web/ann/default/hello.json/a/b?c=/d'],
    ['/bob/hello', '/api/v1/web/ann/bob/hello'],
    ['/apis.v2/hello', '/api/v1/web/ann/apis.v2/hello'],
    ['/', '/api/v1/web/ann/public/index.html'],
    ['/?a=1', '/api/v1/web/ann/public/index.html?a=1'],
  ] as const;
  for (const [target, canonical] of cases) {
    assert.equal(on('ann.example.net', target), canonical);
    assert.equal(on('ann.example.net', canonical), canonical, 'twice is once');
  }
});

test("a namespace host reaches nothing else: no other's actions and not the REST API", () => {
  assert.equal(on('ann.example.net', '/api/v1/web/bob/default/hello'), '/api/v1/web/ann/bob/default/hello');
  for (const target of [
    '/api/v1/namespaces/_/actions',
    '/ping',
    '/runtime/namespaces/ann/logForwarding',
    '/default/',
    '/%61pi/v1/web/a/b',
    '//api/v1/web/a/b',
    '/api/v1/namespaces/../web/a',
  ])
    assert.equal(on('ann.example.net', target), '/api/v1/web', target);
});

test('the bare domain and foreign hosts are left alone', () => {
  for (const host of ['example.net', '127.0.0.1:3233', 'localhost'])
    assert.equal(on(host, '/api/v1/namespaces/_/actions?limit=1'), '/api/v1/namespaces/_/actions?limit=1');
});

test('the paths of a deploy service are those of the API', () => {
  const cases = [
    ['/runtime', '/'],
    ['/runtime/', '/'],
    ['/runtime?x=1', '/?x=1'],
    ['/runtime/api/v1/namespaces/_/actions?x', '/api/v1/namespaces/_/actions?x'],
    ['/runtime/runtime/namespaces/ann/logForwarding', '/runtime/namespaces/ann/logForwarding'],
    ['/runtime/namespaces/ann/logForwarding', '/runtime/namespaces/ann/logForwarding'],
    ['/runtime/apis/ann/pets', '/apis/ann/pets'],
    ['/runtime/isochrone/v1/subjects', '/runtime/isochrone/v1/subjects'],
    ['/runtime/api/v10', '/runtime/api/v10'],
    ['/runtimes', '/runtimes'],
  ] as const;
  for (const [target, canonical] of cases) assert.equal(canonicalTarget(target, undefined, undefined), canonical);
});

test('a browser on the bare domain is sent to the host of the namespace, and arrives at the same', () => {
  const at = (target: string, host = 'example.net:8443') => namespaceLocation(target, host, domain);
  assert.equal(at('/api/v1/web/ann/default/hello?a=1'), '//ann.example.net:8443/api/v1/web/default/hello?a=1');
  assert.equal(at('/apis/ann/pets'), '//ann.example.net:8443/apis/pets');
  assert.equal(at('/api/v1/web/ann/ann/hello/x'), '//ann.example.net:8443/api/v1/web/ann/ann/hello/x');
  for (const target of ['/api/v1/web/a_b/default/hello', '/api/v1/web/Ann/default/hello', '/api/v1/namespaces/ann/actions', '/'])
    assert.equal(at(target), undefined, target);
  assert.equal(at('/api/v1/web/ann/default/hello', 'ann.example.net'), undefined);
});
