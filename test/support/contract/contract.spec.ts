import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles, nodeKinds } from '#libs/domain';
import { openApiDocument } from '../../../apps/region/src/controller/openapi/document.js';
import { Contract, type Exchange } from './contract.js';
import type { ApiDocument } from './document.js';
import { gaps } from './gaps.js';

const document = openApiDocument({
  kinds: nodeKinds,
  profile: limitProfiles.openwhisk,
  version: '1',
  operatorRoutes: true,
}) as unknown as ApiDocument;
const headers = { 'content-type': ['application/json'], 'x-request-id': ['t'], 'x-isochrone-region': ['eu'] };
const trigger = {
  namespace: 'guest',
  name: 't',
  version: '0.0.1',
  publish: false,
  annotations: [],
  updated: 1,
  parameters: [],
  limits: {},
};

/** What is wrong with an answer to a GET, in the words of the contract. */
function wrong(target: string, body: unknown, more: Partial<Exchange> = {}): string {
  const contract = new Contract(document);
  contract.take({ method: 'GET', target, status: 200, headers, body: Buffer.from(JSON.stringify(body)), ...more });
  return contract.violations.join('\n');
}

test('an answer that is described is in order', () => {
  assert.equal(wrong('/api/v1/namespaces/_/triggers/t', trigger), '');
  assert.equal(wrong('/api/v1/namespaces/_/triggers?count=true', { triggers: 1 }), '');
  assert.equal(wrong('/api/v1/namespaces/_/triggers/', [{ ...trigger, parameters: undefined, limits: undefined }]), '');
  assert.equal(wrong('/api/v1/nothing', { error: 'e', code: 't' }, { status: 404 }), '');
  assert.equal(wrong('/api/v1/web/guest/default/a/b/c', 'anything', { status: 418 }), '');
});

test('a member too many or too few, another status, type or header is not', () => {
  const path = '/api/v1/namespaces/_/triggers/t';
  assert.match(wrong(path, { ...trigger, region: 'eu' }), /additional properties.*region/);
  assert.match(wrong(path, { ...trigger, updated: undefined }), /required property 'updated'/);
  assert.match(wrong(path, trigger, { status: 201 }), /getTrigger is not said to answer so/);
  assert.match(wrong(path, trigger, { headers: { ...headers, 'content-type': ['application/json; charset=utf-8'] } }), /no parameters/);
  assert.match(wrong(path, trigger, { headers: { ...headers, 'content-type': ['text/html'] } }), /not described/);
  assert.match(wrong(path, trigger, { headers: { 'content-type': ['application/json'] } }), /no header X-Request-ID/);
  assert.match(wrong(path, { error: 'e' }, { status: 404 }), /required property 'code'/);
});

test('what is not described may only be refused', () => {
  assert.match(wrong('/api/v1/namespaces/_/secrets', []), /answers, and is not described/);
  assert.match(wrong('/api/v1/namespaces/_/triggers/t', {}, { method: 'PATCH' }), /answers, and is not described/);
  assert.match(wrong('/api/v1/nothing', { error: 'e', code: 't', stack: 's' }, { status: 404 }), /additional properties/);
});

test('what was never seen is named, and so is a reason that is none', () => {
  const contract = new Contract(document);
  contract.take({ method: 'GET', target: '/api/v1/namespaces', status: 200, headers, body: Buffer.from('["guest"]') });
  contract.take({ method: 'GET', target: '/api/v1/namespaces', status: 401, headers, body: Buffer.from('{"error":"e","code":"t"}') });
  const found = gaps([contract.coverage]);
  assert.deepEqual(
    found.filter((line) => line.startsWith('listNamespaces ')),
    ['listNamespaces was never seen to do this: it refuses bad input'],
  );
  assert.ok(gaps([{ ping: ['refuses strangers'] }]).some((line) => line.startsWith("ping refuses strangers, though '")));
});
