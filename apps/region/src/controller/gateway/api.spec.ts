import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExactObject } from '#libs/http';
import { emptyRest, putTogether, takeApart, type Api } from './api.js';
import { routeOf } from './operation.js';

const request = {
  basePath: '/hello',
  path: '/world',
  verb: 'GET',
  apiName: undefined,
  pathParameters: undefined,
  action: 'pkg/act',
  namespace: 'guest',
  backendUrl: 'https://host:1/api/v1/web/guest/pkg/act.http',
  secureKey: 'secret',
};

test('one operation becomes the document that OpenWhisk generates', () => {
  const api: Api = { rest: emptyRest('/hello'), routes: [routeOf(request, 'http')] };
  const url = 'https://host:1/api/v1/web/guest/pkg/act.http';
  assert.deepEqual(putTogether(api), {
    swagger: '2.0',
    info: { title: '/hello', version: '1.0.0' },
    basePath: '/hello',
    paths: {
      '/world': {
        get: {
          operationId: 'getWorld',
          'x-openwhisk': { url, namespace: 'guest', package: 'pkg', action: 'act' },
          responses: { default: { description: 'Default response' } },
        },
      },
    },
    'x-ibm-configuration': {
      assembly: {
        execute: [
          {
            'operation-switch': {
              case: [
                {
                  operations: ['getWorld'],
                  execute: [
                    { invoke: { 'target-url': `${url}$(request.path)`, verb: 'keep' } },
                    { 'set-variable': { actions: [{ set: 'message.headers.X-Require-Whisk-Auth', value: 'secret' }] } },
                  ],
                },
              ],
            },
          },
        ],
      },
      cors: { enabled: true },
    },
  });
});

test('an action without a package stands in `default` in URLs alone; only .http is told the path', () => {
  const { operation, assembly } = routeOf({ ...request, action: 'act', secureKey: undefined }, 'json');
  const url = 'https://host:1/api/v1/web/guest/default/act.json';
  assert.deepEqual(operation['x-openwhisk'], { url, namespace: 'guest', package: '', action: 'act' });
  assert.deepEqual(assembly?.['execute'], [{ invoke: { 'target-url': url, verb: 'keep' } }]);
  assert.throws(() => routeOf({ ...request, backendUrl: 'https://elsewhere/x' }, 'json'), /API swagger generation error/);
});

const call = (url: string): ExactObject => ({ invoke: { 'target-url': url, verb: 'keep' } });
const document: ExactObject = {
  swagger: '2.0',
  basePath: '/b',
  info: { title: 'mine', version: '7', 'x-note': [1] },
  paths: {
    '/a': { parameters: [{ name: 'q' }], get: { operationId: 'one' }, post: { operationId: 'two' } },
    '/c': { 'x-kept': true, get: { operationId: 'three', description: 'd' }, put: { operationId: 'four' } },
  },
  tags: [],
  'x-ibm-configuration': {
    assembly: {
      note: 'kept',
      execute: [
        { 'set-variable': { actions: [] } },
        {
          'operation-switch': {
            case: [
              { operations: ['two', 'three'], execute: [call('shared')] },
              { operations: ['one'], execute: [call('own')] },
            ],
          },
        },
      ],
    },
  },
};

test('a document that is taken apart and put together is what it was', () => {
  assert.deepEqual(putTogether(takeApart(document)), document);
  const bare = { swagger: '2.0', basePath: '/b', info: {}, paths: { '/': { get: { operationId: '' }, post: { operationId: '' } } } };
  assert.deepEqual(putTogether(takeApart(bare)), bare);
  const unused = { ...bare, 'x-ibm-configuration': { assembly: { execute: [] }, cors: { enabled: false } } };
  assert.deepEqual(putTogether(takeApart(unused)), unused);
});

test('an operation that goes takes with it what the assembly says of it, and its path when it was the last', () => {
  const { rest, routes } = takeApart(document);
  const left = putTogether({ rest, routes: routes.filter(({ operation }) => operation['operationId'] === 'three') });
  assert.deepEqual(left['paths'], { '/c': { 'x-kept': true, get: { operationId: 'three', description: 'd' } } });
  assert.deepEqual((left['x-ibm-configuration'] as ExactObject)['assembly'], {
    note: 'kept',
    execute: [
      { 'set-variable': { actions: [] } },
      { 'operation-switch': { case: [{ operations: ['three'], execute: [call('shared')] }] } },
    ],
  });
});
