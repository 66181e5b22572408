import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles } from '#libs/domain';
import type { ExactJson, ExactObject } from '#libs/http';
import { readCreate, readDelete, readPage, readSelection } from './api-request.js';
import { takeApart } from './api.js';
import { checkDocument, checkLimits } from './document-check.js';

const action = { name: 'a', namespace: '_', backendMethod: 'GET', backendUrl: 'u', authkey: 'k' };
const whole = { namespace: '_', gatewayBasePath: '/b', gatewayPath: '/p', gatewayMethod: 'GET', action };
const create = (apidoc: ExactJson | undefined) => () => readCreate(new Map(apidoc === undefined ? [] : [['apidoc', apidoc]]), 'guest');
const without = (object: ExactObject, field: string): ExactObject => ({ ...object, [field]: '' });

test('what a creation lacks is told in the words of OpenWhisk', () => {
  const texts: [ExactJson | undefined, string][] = [
    [undefined, 'apidoc is required.'],
    ['{', 'apidoc field cannot be parsed. Ensure it is valid JSON.'],
    [7, 'apidoc field is of type number and should be a JSON object or a JSON string.'],
    [without(whole, 'namespace'), 'apidoc is missing the namespace field'],
    [without(whole, 'gatewayBasePath'), 'apidoc is missing the gatewayBasePath field'],
    [without(whole, 'gatewayPath'), 'apidoc is missing the gatewayPath field'],
    [without(whole, 'gatewayMethod'), 'apidoc is missing the gatewayMethod field'],
    [without(whole, 'action'), 'apidoc is missing the action field.'],
    ...['backendMethod', 'backendUrl', 'namespace', 'name', 'authkey'].map((field): [ExactJson, string] => [
      { ...whole, action: without(action, field) },
      `action is missing the ${field} field.`,
    ]),
    [{ ...whole, swagger: '{}' }, 'swagger and gatewayBasePath are mutually exclusive and cannot be specified together.'],
    [{ namespace: '_', swagger: 'a=A' }, 'swagger field cannot be parsed. Ensure it is valid JSON.'],
    [{ namespace: '_', swagger: 5 }, 'swagger field is number and should be an object or a JSON string.'],
    [{ namespace: '_', swagger: '{}' }, 'swagger is missing the basePath field.'],
    [{ namespace: '_', swagger: { basePath: '/b' } }, 'swagger is missing the paths field.'],
    [{ namespace: '_', swagger: { basePath: '/b', paths: {} } }, 'swagger is missing the info field.'],
  ];
  for (const [apidoc, message] of texts) assert.throws(create(apidoc), { code: 'api-refused', status: 502, message });
});

test('one’s own namespace is put in the place of _ and no other', () => {
  const asked = create(JSON.stringify(whole))();
  assert.equal(asked.kind === 'operation' && asked.operation.namespace, 'guest');
  const foreign = create({ ...whole, action: { ...action, namespace: 'other' } })();
  assert.equal(foreign.kind === 'operation' && foreign.operation.namespace, 'other');
});

test('the word undefined counts as absent', () => {
  const given = new Map([['basepath', '/b'], ...['relpath', 'operation', 'limit', 'skip'].map((name) => [name, 'undefined'] as const)] as [
    string,
    string,
  ][]);
  assert.deepEqual(readSelection(given), { api: '/b', path: undefined, verb: undefined });
  assert.deepEqual(readPage(given), { skip: 0, limit: Infinity });
  assert.deepEqual(readDelete(given), { api: '/b', path: undefined, verb: undefined });
  assert.throws(() => readDelete(new Map()), { message: 'basepath is required.' });
  const verbOnly = new Map([
    ['basepath', '/b'],
    ['operation', 'GET'],
  ]);
  assert.throws(() => readDelete(verbOnly), { message: 'When specifying an operation, the path is required.' });
});

const url = 'https://h/api/v1/web/ns/default/act.http';
const operation = { operationId: 'id', parameters: [{ name: 'name' }], 'x-openwhisk': { url } };
const swagger = (paths: ExactObject, target?: string, basePath = '/b'): ExactObject => ({
  basePath,
  info: {},
  paths,
  ...(target !== undefined && {
    'x-ibm-configuration': {
      assembly: { execute: [{ 'operation-switch': { case: [{ operations: ['id'], execute: [{ invoke: { 'target-url': target } }] }] } }] },
    },
  }),
});

test('documents that cannot become an API are refused in the words of OpenWhisk', () => {
  const gateway = (message: string) =>
    `API creation failure: Unable to configure the API Gateway (status code 400): {"status":400,"message":"Error: ${message}"}`;
  const path = '/greet/{name}';
  const texts: [ExactObject, string][] = [
    [
      swagger({ '/p': { get: operation } }, undefined, '/bad/{path}/value'),
      'API creation failure: The base path (/bad/{path}/value) cannot have parameters. Only the relative path supports path parameters.',
    ],
    [
      swagger({ [path]: { get: { ...operation, 'x-openwhisk': { url: url.replace('.http', '.json') } } } }),
      "API creation failure: The action must use a response type of '.http' in order to receive the path parameters.",
    ],
    [
      swagger({ [path]: { get: { ...operation, parameters: [{ name: 'other' }] } } }),
      "API creation failure: The parameter 'name' defined in path '/greet/{name}' does not match any of the parameters defined for the path in the swagger file.",
    ],
    [
      swagger({ [path]: { get: operation } }, url),
      "API creation failure: The target-url for operationId 'id' must end in '$(request.path)' in order for actions to receive the path parameters.",
    ],
    ...['/ba{x}', '/{', '/b}/c'].map((base): [ExactObject, string] => [
      swagger({ '/p': { get: operation } }, undefined, base),
      `API creation failure: The base path (${base}) cannot have parameters. Only the relative path supports path parameters.`,
    ]),
    ...['/g/../x', '/./', '/.', '/a/%2E./b'].map((base): [ExactObject, string] => [
      swagger({ '/p': { get: operation } }, undefined, base),
      `API creation failure: The base path (${base}) cannot have '.' or '..' as a segment.`,
    ]),
    [swagger({ '/p/..': { get: operation } }), "API creation failure: The path (/p/..) cannot have '.' or '..' as a segment."],
    [swagger({ badpath: { get: operation } }), gateway("Resource path must begin with '/'.")],
    [swagger({ '/p': { badverb: operation } }), gateway("Resource verb 'badverb' not supported.")],
    [swagger({}), gateway('Empty resources object.')],
    [swagger({ '/p': { get: {} } }, undefined, '/\u0000'), gateway('basePath contains illegal character \\"\\\\u0000\\".')],
    [swagger({ '/\ud800': { get: {} } }), gateway('resource path contains illegal character \\"\\\\ud800\\".')],
    [swagger({ ["/'"]: { get: {} } }), gateway('resource path contains illegal character \\"\'\\".')],
    [swagger({ [`/${'"'.repeat(400)}`]: { get: {} } }), gateway('Base path and path are longer than allowed: 810 > 750.')],
    [
      swagger({ '/p': { get: { 'x-openwhisk': { url: 'http://127.0.0.1/x' } } } }),
      gateway("The target 'http://127.0.0.1/x' of 'get /p' is not the URL of a web action."),
    ],
  ];
  for (const [document, message] of texts) assert.throws(() => checkDocument(document), { message });
  checkDocument(swagger({ '/.well-known/...': { get: operation } }, undefined, '/v1.0/..x'));
  checkDocument(swagger({ [path]: { parameters: [{ name: 'name' }], get: { ...operation, parameters: [] } } }, `${url}$(request.path)`));
});

test('the APIs of a namespace are bounded in number and in size, one by one and together', () => {
  const profile = { ...limitProfiles.openwhisk, apiRoutes: 2, apiBytes: 400, apisBytes: 700 };
  const api = (title: string, ...paths: string[]) =>
    takeApart({ basePath: '/b', info: { title }, paths: Object.fromEntries(paths.map((path) => [path, { get: {} }])) });
  checkLimits([api('x', '/a')], api('x', '/b'), profile);
  assert.throws(() => checkLimits([api('x', '/a')], api('x', '/b', '/c'), profile), /more operations than allowed: 3 > 2\./);
  assert.throws(() => checkLimits([], api('x'.repeat(400), '/a'), profile), /The API would be larger than allowed: \d+ > 400 bytes/);
  assert.throws(
    () => checkLimits([api('x'.repeat(330), '/a')], api('x'.repeat(330), '/b'), profile),
    /APIs of the namespace would be larger/,
  );
});
