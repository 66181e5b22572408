import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExactObject } from '#libs/http';
import type { ApiRoute } from './api.js';
import { targetOf } from './target.js';

const base = { basePath: '/b', path: '/p', verb: 'get' };
const web = 'https://any.host/api/v1/web/ns/pkg/act.http';
const asked = (operation: ExactObject, assembly?: ExactObject, shared: ExactObject[] = []) => {
  const route: ApiRoute = { ...base, operation, ...(assembly && { assembly }) };
  return targetOf(route, shared);
};
const set = (name: string, value: string): ExactObject => ({ 'set-variable': { actions: [{ set: `message.headers.${name}`, value }] } });

test('its own case comes before one that all share, and that before x-openwhisk', () => {
  const operation = { operationId: 'id', 'x-openwhisk': { url: web } };
  const target = asked(operation);
  assert.deepEqual(target, {
    kind: 'web-action',
    web: { namespace: 'ns', pkg: 'pkg', name: 'act', extension: 'http', path: '' },
    tellsPath: false,
    method: undefined,
    headers: [],
  });
  const own = { execute: [set('X-Require-Whisk-Auth', 's'), { invoke: { 'target-url': `${web}$(request.path)`, verb: 'post' } }] };
  const shared = [set('X-All', 'a'), { invoke: { 'target-url': web.replace('act', 'all') } }];
  assert.deepEqual(asked(operation, own, shared), {
    ...target,
    tellsPath: true,
    method: 'POST',
    headers: [
      ['x-all', 'a'],
      ['x-require-whisk-auth', 's'],
    ],
  });
  const byId = [
    { 'operation-switch': { case: [{ operations: ['id'], execute: [{ invoke: { 'target-url': web.replace('act', 'case') } }] }] } },
  ];
  const found = asked(operation, undefined, byId);
  assert.equal(found.kind === 'web-action' && found.web.name, 'case');
});

test('the parts of x-openwhisk are enough; nothing at all is no target', () => {
  const found = asked({ 'x-openwhisk': { namespace: 'ns', package: '', action: 'a c@t' } });
  assert.deepEqual(found.kind === 'web-action' && found.web, {
    namespace: 'ns',
    pkg: undefined,
    name: 'a c@t',
    extension: 'http',
    path: '',
  });
  assert.deepEqual(asked({ operationId: '' }), { kind: 'none' });
});

test('what is no web action is foreign', () => {
  for (const url of [
    'http://169.254.169.254/latest/meta-data',
    'file:///api/v1/web/ns/pkg/act.http',
    'https://h/api/v1/namespaces/_/actions/act',
    'https://h/api/v1/web/ns/pkg',
    'https://h/api/v1/web/ns/pkg/act.http?x=1',
  ])
    assert.deepEqual(asked({ 'x-openwhisk': { url } }), { kind: 'foreign', url });
});

test('headers that frame a request, and what is no header, are not set', () => {
  const steps = { execute: [set('Host', 'x'), set('Content-Length', '1'), set('a b', 'c'), set('X-Ok', 'a\r\nb')] };
  const target = asked({ 'x-openwhisk': { url: web } }, steps);
  assert.deepEqual(target.kind === 'web-action' && target.headers, []);
});

test('a target below the deploy service is the web action itself', () => {
  const url = (text: string) => asked({ 'x-openwhisk': { url: text } });
  assert.deepEqual(url(web.replace('/api', '/runtime/api')), url(web));
  assert.equal(url(web.replace('/api', '/other/api')).kind, 'foreign');
});
