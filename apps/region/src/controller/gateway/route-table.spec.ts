import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyRest, type ApiRoute } from './api.js';
import { corsBelow, match, routeTable, type TabledApi } from './route-table.js';

const route = (basePath: string, path: string, action: string, verb = 'get'): ApiRoute => ({
  basePath,
  path,
  verb,
  operation: { operationId: action, 'x-openwhisk': { namespace: 'guest', action } },
});
const api = (basePath: string, ...routes: [path: string, action: string, verb?: string][]): TabledApi => ({
  rest: emptyRest(basePath),
  routes: routes.map(([path, action, verb]) => ({ route: route(basePath, path, action, verb), version: '1' })),
});
const table = routeTable([
  api('/', ['/', 'root'], ['/any/thing', 'loose']),
  api('/a', ['/b', 'literal'], ['/b', 'posted', 'post'], ['/{x}', 'template'], ['/{x}/c', 'deep'], ['/b/{y}', 'deeper']),
  api('/a/b/long', ['/', 'longest']),
  api('/sp ace', ['/%7Bx/é', 'encoded']),
]);

const found = (path: string, verb = 'GET') => {
  const hit = match(table, path);
  const target = hit?.entries.get(verb)?.target;
  return [target?.kind === 'web-action' ? target.web.name : undefined, hit?.beyond];
};

test('the longest template wins, and the literal one of those as long', () => {
  assert.deepEqual(found('/a/b'), ['literal', '']);
  assert.deepEqual(found('/a/b/'), ['literal', '']);
  assert.deepEqual(found('/a/b', 'POST'), ['posted', '']);
  assert.deepEqual(found('/a/other'), ['template', '']);
  assert.deepEqual(found('/a/b/c'), ['deeper', '']);
  assert.deepEqual(found('/a/z/c'), ['deep', '']);
  assert.deepEqual(found('/a/b/long'), ['longest', '']);
  assert.deepEqual(found('/any/thing'), ['loose', '']);
});

test('the verb is looked at last', () => {
  assert.deepEqual(found('/a/other', 'POST'), [undefined, '']);
});

test('what is beyond a template is handed on as it was received', () => {
  assert.deepEqual(found('/a/b/x/y%2Fz/'), ['deeper', '/y%2Fz/']);
  assert.deepEqual(found('/nowhere/at/all'), ['root', '/nowhere/at/all']);
  assert.deepEqual(found('/'), ['root', '']);
});

test('segments are compared decoded, and none is taken for two', () => {
  assert.deepEqual(found('/sp%20ace/%7Bx/%C3%A9'), ['encoded', '']);
  assert.deepEqual(found('/a%2Fb'), ['root', '/a%2Fb']);
  assert.equal(match(routeTable([api('/a', ['/{x}', 'template'])]), '/a//'), undefined);
  assert.equal(match(routeTable([]), '/a'), undefined);
});

test('a path that an API does not have is answered as that API says: the one with the longest base path', () => {
  const quiet = { ...api('/a/quiet', ['/p', 'p']), rest: { basePath: '/a/quiet', document: {} } };
  const apis = routeTable([api('/a', ['/p', 'p'], ['/quiet/long/path', 'p']), quiet]);
  assert.deepEqual(
    ['/a/none', '/a', '/a/quiet/none', '/a/quieter', '/b', '/'].map((path) => corsBelow(apis, path)),
    [true, true, undefined, true, undefined, undefined],
  );
});
