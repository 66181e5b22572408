import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayRepeat, ownerCode } from './paths.js';

const id = `02${'0'.repeat(30)}`;

test('what was never sent may go anywhere', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (method, path) => mayRepeat({ method, path, sent: false })));
});

test('once sent, only GET and HEAD of entities and activations are repeated', () => {
  const yes = [
    '/api/v1/namespaces/_/actions',
    '/api/v1/namespaces/_/actions/pkg/name?code=false',
    '/api/v1/namespaces/guest/triggers/t',
    '/api/v1/namespaces/guest/rules/r',
    '/api/v1/namespaces/guest/packages',
    `/api/v1/namespaces/_/activations/${id}/logs`,
  ];
  const no = [
    '/',
    '/ping',
    '/api/v1/web/guest/default/hello',
    '/api/v1/namespaces',
    '/api/v1/namespaces/_/actionsx/a',
    '/api/v1/namespaces/_/actions/../../../web/guest/default/hello',
    '/api/v1/namespaces/_/actions/%2e%2E/x',
    '/api/v1/namespaces/_//actions',
    '/api/v1/namespaces/_/actions/a%2f..%2fb',
    '/apis/x',
  ];
  for (const path of yes) {
    for (const method of ['GET', 'HEAD']) assert.equal(mayRepeat({ method, path, sent: true }), true, path);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'get']) {
      assert.equal(mayRepeat({ method, path, sent: true }), false, `${method} ${path}`);
    }
  }
  for (const path of no) assert.equal(mayRepeat({ method: 'GET', path, sent: true }), false, path);
});

test('an activation id names the region that owns it', () => {
  assert.equal(ownerCode('GET', `/api/v1/namespaces/_/activations/${id}`), 2);
  assert.equal(ownerCode('HEAD', `/api/v1/namespaces/guest/activations/ff${'a'.repeat(30)}/result?x=1`), 255);
  assert.equal(ownerCode('GET', `/api/v1/namespaces/_/activations/${id}0`), undefined);
  assert.equal(ownerCode('GET', '/api/v1/namespaces/_/activations'), undefined);
  assert.equal(ownerCode('POST', `/api/v1/namespaces/_/activations/${id}`), undefined);
  assert.equal(ownerCode('GET', `/api/v1/namespaces/_/actions/${id}`), undefined);
});
