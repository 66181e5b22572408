/** APIs: managed as `wsk api` and others do it, called as anybody does, in a world of two regions. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { actionPath, ask, deploy, type Ask, type Reply } from '../support/client.js';
import { startWorld, until, type World } from '../support/world.js';

const echo = `function main(args) {
  return { body: { path: args.__ow_path, method: args.__ow_method, headers: args.__ow_headers, user: args.__ow_user, name: args.name } };
}`;
const [east, west] = ['us-east-1', 'eu-west-1'] as const;

interface Document {
  readonly basePath: string;
  readonly info: { readonly title: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
}
interface View {
  readonly gwApiUrl: string;
  readonly apidoc: Document;
}

let world: World;
let other: string;

before(async () => {
  world = await startWorld({ regions: [east, west] });
  other = /[0-9a-f-]{36}:\S+/.exec(world.isochrone('subjects', 'create', 'other'))?.[0] ?? '';
  await deploy(world.regionUrl(east), 'echo', echo, { annotations: [{ key: 'web-export', value: true }] });
});
after(() => world?.stop());

const systemKey = '789c46b1-71f6-4ed5-8c54-816aa4f8c502:abczO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP';

const management = (call: string, query: Readonly<Record<string, string>> = {}) =>
  `/api/v1/web/whisk.system/apimgmt/${call}.http?${new URLSearchParams({ accesstoken: 'DUMMY TOKEN', spaceguid: 'x', ...query }).toString()}`;

/** Adds one operation, as `wsk api create` does. */
function create(
  basePath: string,
  path: string,
  verb: string,
  more: Ask & { action?: object; doc?: object; type?: string; at?: string } = {},
): Promise<Reply> {
  const { action = {}, doc = {}, type = 'http', at = world.url, ...rest } = more;
  const names = [...path.matchAll(/\{([^/]+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, type: 'string' }));
  const backend = {
    name: 'echo',
    namespace: '_',
    backendMethod: verb,
    backendUrl: `${at}/api/v1/web/_/default/echo.http`,
    authkey: 'a:secret',
  };
  const apidoc = {
    namespace: '_',
    gatewayBasePath: basePath,
    gatewayPath: path,
    gatewayMethod: verb,
    ...(names.length > 0 && { pathParameters: names }),
    action: { ...backend, ...action },
    ...doc,
  };
  return ask(at, 'POST', management('createApi', { responsetype: type }), { body: { apidoc }, ...rest });
}

async function created(...args: Parameters<typeof create>): Promise<View> {
  const reply = await create(...args);
  assert.equal(reply.status, 200, reply.text);
  return reply.json<View>();
}

async function list(query: Readonly<Record<string, string>> = {}, more: Ask & { at?: string } = {}): Promise<View[]> {
  const { at = world.url, ...rest } = more;
  const reply = await ask(at, 'GET', management('getApi', query), rest);
  assert.equal(reply.status, 200, reply.text);
  return reply.json<{ apis: { value: View }[] }>().apis.map(({ value }) => value);
}

const remove = (query: Readonly<Record<string, string>>, more: Ask = {}) => ask(world.url, 'DELETE', management('deleteApi', query), more);
const call = (url: string, method = 'GET', headers: Readonly<Record<string, string>> = {}) => ask('', method, url, { key: null, headers });
const seen = async (reply: Promise<Reply>) => (await reply).json<Record<string, string> & { headers: Record<string, string> }>();

test('an API is made operation by operation, called, and goes with its last operation', async () => {
  const api = await created('/club', '/books/{isbn}', 'GET', { doc: { apiName: 'Book Club' } });
  assert.equal(api.gwApiUrl, `${world.url}/apis/guest/club`);
  assert.equal(api.apidoc.paths['/books/{isbn}']?.['get']?.operationId, 'getBooksIsbn');
  assert.ok(!JSON.stringify(api).includes('a:secret'));
  assert.equal((await created('/club', '/books', 'post', { type: 'json' })).gwApiUrl, api.gwApiUrl);
  assert.deepEqual((await list({ basepath: 'Book Club' }))[0]?.apidoc.info.title, 'Book Club');

  const got = await seen(call(`${api.gwApiUrl}/books/978-0%2F1?name=x`));
  assert.equal(got['path'], '/club/books/978-0%2F1');
  assert.equal(got['name'], 'x');
  assert.equal((await call(`${api.gwApiUrl}/books`, 'POST')).json<{ body: { method: string } }>().body.method, 'post');

  const missing = await call(`${api.gwApiUrl}/books`, 'PUT');
  assert.deepEqual([missing.status, missing.text], [404, '{"status":404,"message":"Error: Whoops. Verb not supported."}']);
  const nowhere = await call(`${api.gwApiUrl}/films`);
  assert.deepEqual([nowhere.status, nowhere.text], [404, '{"status":404,"message":"Error: Not found."}']);
  assert.equal(nowhere.headers.get('content-type'), 'application/json; charset=utf-8');
  for (const namespace of ['nobody', '%00', ''])
    assert.equal((await call(`${world.url}/apis/${namespace}/club/books`)).status, 404, namespace);

  assert.equal((await remove({ basepath: '/club', relpath: '/books', operation: 'POST' })).text.replace(/\s/g, ''), '{}');
  assert.deepEqual(Object.keys((await list({ basepath: '/club' }))[0]?.apidoc.paths ?? {}), ['/books/{isbn}']);
  assert.equal((await remove({ basepath: '/club', relpath: '/books/{isbn}' })).status, 200);
  assert.deepEqual(await list({ basepath: '/club' }), []);
  assert.equal((await call(`${api.gwApiUrl}/books/1`)).status, 404);
});

test('what is wrong with a management call is a 502 that tells it, without a code', async () => {
  const refused = async (reply: Promise<Reply>, error: string) => {
    const { status, text } = await reply;
    assert.deepEqual([status, JSON.parse(text)], [502, { error }]);
  };
  await refused(create('/x', '/p', 'GET', { key: null }), 'A valid auth key is required.');
  await refused(ask(world.url, 'GET', management('getApi'), { key: null }), 'Invalid authentication.');
  await refused(remove({ basepath: '/x' }, { key: 'no:body' }), 'Invalid authentication.');
  await refused(create('/x', '/p', 'GET', { doc: { gatewayPath: undefined } }), 'apidoc is missing the gatewayPath field');
  await refused(
    create('/a/{b}', '/p', 'GET'),
    'API creation failure: The base path (/a/{b}) cannot have parameters. Only the relative path supports path parameters.',
  );
  await refused(create('/g/../x', '/p', 'GET'), "API creation failure: The base path (/g/../x) cannot have '.' or '..' as a segment.");
  await refused(
    create('/x', '/{id}', 'GET', { type: 'json' }),
    "API creation failure: The action must use a response type of '.http' in order to receive the path parameters.",
  );
  await refused(remove({}), 'basepath is required.');
  await refused(remove({ basepath: '/x', operation: 'get' }), 'When specifying an operation, the path is required.');
  await refused(remove({ basepath: '/gone' }), "API deletion failure: API '/gone' does not exist.");
  await created('/there', '/p', 'GET');
  await refused(remove({ basepath: '/there', relpath: '/q' }), "API deletion failure: path '/q' does not exist in the API");
  await refused(
    remove({ basepath: '/there', relpath: '/p', operation: 'POST' }),
    "API deletion failure: path '/p' with operation 'post' does not exist in the API",
  );
  await remove({ basepath: '/there' });
});

test('a whole document is put and got as it is, with and without an assembly', async () => {
  const target = `${world.url}/api/v1/web/guest/default/echo.http`;
  const operation = { operationId: 'one', 'x-openwhisk': { namespace: 'guest', package: '', action: 'echo', url: target }, tags: ['t'] };
  const swagger = {
    swagger: '2.0',
    basePath: '/doc',
    info: { title: 'Doc', version: '3' },
    paths: { '/p': { get: operation } },
    schemes: ['https'],
  };
  for (const form of [swagger, JSON.stringify({ ...swagger, paths: { '/q': { get: operation } } })]) {
    const reply = await ask(world.url, 'POST', management('createApi'), { body: { apidoc: { namespace: '_', swagger: form } } });
    assert.deepEqual([reply.status, reply.json<View>().apidoc], [200, typeof form === 'string' ? JSON.parse(form) : form], reply.text);
  }
  const [api] = await list({ basepath: 'Doc', relpath: 'undefined', operation: 'undefined', limit: 'undefined', skip: 'undefined' });
  assert.deepEqual(Object.keys(api?.apidoc.paths ?? {}), ['/q']);
  assert.equal((await seen(call(`${api?.gwApiUrl}/q/more`)))['path'], '/more');
  assert.equal((await call(`${api?.gwApiUrl}/p`)).status, 404);
  const foreign = { ...swagger, paths: { '/p': { get: { ...operation, 'x-openwhisk': { url: 'http://169.254.169.254/latest' } } } } };
  const reply = await ask(world.url, 'POST', management('createApi'), { body: { apidoc: { namespace: '_', swagger: foreign } } });
  assert.match(reply.text, /is not the URL of a web action/);
  await remove({ basepath: '/doc' });
});

test('a secret that an action asks for is sent by the gateway and stored encrypted', async () => {
  const annotations = [
    { key: 'web-export', value: true },
    { key: 'require-whisk-auth', value: 'open sesame' },
  ];
  await deploy(world.url, 'locked', echo, { annotations });
  const api = await created('/locked', '/p', 'GET', { action: { name: 'locked', secureKey: 'open sesame' } });
  assert.equal((await seen(call(`${api.gwApiUrl}/p`, 'GET', { 'x-require-whisk-auth': 'wrong' })))['path'], '/locked/p');
  assert.equal((await call(`${world.url}/api/v1/web/guest/default/locked.http`)).status, 401);
  await created('/open', '/p', 'GET', { action: { name: 'locked' } });
  assert.equal((await call(`${world.url}/apis/guest/open/p`)).status, 401);
  await created('/sealed', '/p', 'GET', { action: { name: 'locked', secureKey: 'a-secret-that-nothing-else-has' } });
  assert.match(JSON.stringify(await list({ basepath: '/sealed' })), /a-secret-that-nothing-else-has/);
  const filesWith = (text: string) => spawnSync('grep', ['-rlaF', text, world.data], { encoding: 'utf8' }).stdout;
  assert.notEqual(filesWith('["/sealed","/p","get"]'), '', 'the row is in a file');
  for (const secret of ['a-secret-that-nothing-else-has', 'a:secret']) assert.equal(filesWith(secret), '');
  for (const basepath of ['/locked', '/open', '/sealed']) await remove({ basepath });
});

test('CORS is answered by the gateway, unless a document says that it is not', async () => {
  const api = await created('/cors', '/p', 'GET');
  const preflight = await call(`${api.gwApiUrl}/p`, 'OPTIONS', { 'access-control-request-headers': 'X-Mine' });
  assert.deepEqual([preflight.status, preflight.text], [200, '']);
  assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'X-Mine');
  assert.equal(preflight.headers.get('access-control-allow-methods'), 'GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS');
  assert.equal((await call(`${api.gwApiUrl}/p`)).headers.get('access-control-allow-origin'), '*');
  const missing = await call(`${api.gwApiUrl}/none`);
  assert.deepEqual([missing.status, missing.headers.get('access-control-allow-origin')], [404, '*']);
  assert.equal((await call(`${api.gwApiUrl}/none`, 'OPTIONS')).status, 200);
  assert.equal((await call(`${world.url}/apis/guest/no-such-api`)).headers.get('access-control-allow-origin'), null);

  const swagger = { ...api.apidoc, 'x-ibm-configuration': { cors: { enabled: false } } };
  const reply = await ask(world.url, 'POST', management('createApi'), { body: { apidoc: { namespace: '_', swagger } } });
  assert.equal(reply.status, 200, reply.text);
  assert.equal((await call(`${api.gwApiUrl}/p`, 'OPTIONS')).status, 404);
  assert.equal((await call(`${api.gwApiUrl}/p`)).headers.get('access-control-allow-origin'), null);
  await remove({ basepath: '/cors' });
});

test('an answer that says so is told again without running anything, until the action is written anew', async () => {
  const stamp = `function main(args) { return { headers: { 'Cache-Control': args.says, Vary: 'X-Who' }, body: { at: Date.now() + ':' + Math.random() } }; }`;
  const annotations = [{ key: 'web-export', value: true }];
  await deploy(world.url, 'stamp', stamp, { annotations });
  const { gwApiUrl } = await created('/stamp', '/p', 'GET', { action: { name: 'stamp' }, at: world.regionUrl(east) });
  const local = gwApiUrl.replace(world.url, world.regionUrl(east));
  const get = (says: string, headers = {}) => call(`${local}/p?says=${encodeURIComponent(says)}`, 'GET', headers);
  const [first, again] = [await get('max-age=60'), await get('max-age=60')];
  assert.deepEqual([first.headers.get('x-gw-cache'), again.headers.get('x-gw-cache')], ['MISS', 'HIT']);
  assert.equal(again.text, first.text);
  assert.ok(again.headers.get('age') !== null && again.headers.get('x-openwhisk-activation-id') === null);
  assert.equal((await get('max-age=60', { 'x-who': 'me' })).headers.get('x-gw-cache'), 'MISS');
  for (const says of ['private, max-age=60', 'no-store'])
    assert.deepEqual([(await get(says)).headers.get('x-gw-cache'), (await get(says)).headers.get('x-gw-cache')], ['MISS', 'MISS']);
  assert.equal((await get('max-age=60', { authorization: 'Basic eDp5' })).headers.get('x-gw-cache'), null);

  await deploy(world.regionUrl(east), 'stamp', `${stamp} // anew`, { annotations });
  assert.equal((await get('max-age=60')).headers.get('x-gw-cache'), 'MISS');
  await remove({ basepath: '/stamp' });
});

test('an answer that was given for one host is not told for another, and the body of a GET is in none', async () => {
  const links = `function main({ __ow_headers: { host, 'x-forwarded-host': forwarded = host }, name }) {
    return { headers: { 'Cache-Control': 'max-age=60', 'X-GW-Cache': 'HIT' }, body: { link: forwarded + '/next', host, name } };
  }`;
  await deploy(world.url, 'links', links, { annotations: [{ key: 'web-export', value: true }] });
  const { gwApiUrl } = await created('/links', '/p', 'GET', { action: { name: 'links' }, at: world.regionUrl(east) });
  const local = new URL(`${gwApiUrl.replace(world.url, world.regionUrl(east))}/p`);
  const get = (headers: Readonly<Record<string, string>>, body = '', url = local) =>
    new Promise<[outcome: unknown, text: string]>((resolve, reject) => {
      const sent = request(url, { headers: { ...headers, ...(body !== '' && { 'content-length': body.length }) } }, (reply) => {
        text(reply).then((told) => resolve([reply.headers['x-gw-cache'], told]), reject);
      });
      sent.on('error', reject).end(body);
    });
  for (const poison of [{ host: 'evil.example' }, { 'x-forwarded-host': 'evil.example' }, { 'X-Forwarded-Host': 'evil2.example' }]) {
    const [outcome, told] = await get(poison);
    assert.equal(outcome, 'MISS');
    assert.match(told, /evil/);
  }
  const json = { 'content-type': 'application/json' };
  assert.equal((await get(json, '{"name":"evil"}'))[0], 'MISS', 'none of the former');
  const own = JSON.stringify({ link: `${local.host}/next`, host: local.host });
  const { text: told } = await call(local.href);
  assert.equal(JSON.stringify(JSON.parse(told)), own);
  assert.deepEqual(await get({}), ['HIT', told]);
  const direct = await get({}, '', new URL(`${world.regionUrl(east)}/api/v1/web/guest/default/links.http`));
  assert.equal(direct[0], undefined, 'only the gateway says what the cache did');
  await remove({ basepath: '/links' });
});

test('an answer is withdrawn when parameters of the package or of the binding change', async () => {
  const at = world.regionUrl(east);
  const put = async (name: string, body: object) => {
    const reply = await ask(at, 'PUT', `/api/v1/namespaces/_/packages/${name}?overwrite=true`, { body });
    assert.equal(reply.status, 200, reply.text);
  };
  const greet = `function main({ low, high }) { return { headers: { 'Cache-Control': 'max-age=60' }, body: low + high }; }`;
  await put('lower', { parameters: [{ key: 'low', value: 'a' }] });
  await put('upper', { binding: { namespace: '_', name: 'lower' }, parameters: [{ key: 'high', value: 'b' }] });
  await deploy(at, 'lower/greet', greet, { annotations: [{ key: 'web-export', value: true }] });
  const { gwApiUrl } = await created('/bound', '/p', 'GET', { action: { name: 'upper/greet' }, at });
  const get = async () => {
    const reply = await call(`${gwApiUrl.replace(world.url, at)}/p`);
    return [reply.headers.get('x-gw-cache'), reply.text];
  };
  assert.deepEqual(
    [await get(), await get()],
    [
      ['MISS', 'ab'],
      ['HIT', 'ab'],
    ],
  );
  await put('lower', { parameters: [{ key: 'low', value: 'c' }] });
  assert.deepEqual(
    [await get(), await get()],
    [
      ['MISS', 'cb'],
      ['HIT', 'cb'],
    ],
  );
  await put('upper', { parameters: [{ key: 'high', value: 'd' }] });
  assert.deepEqual(await get(), ['MISS', 'cd']);
  await remove({ basepath: '/bound' });
});

test('tenants have base paths of their own, and see and remove nothing of each other', async () => {
  const mine = await created('/same', '/p', 'GET');
  const theirs = await created('/same', '/p', 'GET', { key: other, action: { namespace: 'guest' } });
  assert.notEqual(mine.gwApiUrl, theirs.gwApiUrl);
  assert.equal((await seen(call(`${theirs.gwApiUrl}/p`)))['path'], '/same/p', 'another’s web action may be asked, as it may directly');
  assert.equal((await remove({ basepath: '/same' }, { key: other })).status, 200);
  assert.deepEqual(await list({}, { key: other }), []);
  assert.equal((await list({ basepath: '/same' })).length, 1);
  assert.equal((await call(`${mine.gwApiUrl}/p`)).status, 200);
  assert.equal((await call(`${theirs.gwApiUrl}/p`)).status, 404);
  await remove({ basepath: '/same' });
});

test('two regions add to one API at the same time, and both see it whole', async () => {
  const before = await created('/both', '/first', 'GET');
  await until('it is in the other region', async () => (await list({ basepath: '/both' }, { at: world.regionUrl(west) })).length === 1);
  const made = await Promise.all([
    created('/both', '/east', 'GET', { at: world.regionUrl(east) }),
    created('/both', '/west', 'GET', { at: world.regionUrl(west) }),
  ]);
  for (const { gwApiUrl } of made) assert.equal(gwApiUrl, before.gwApiUrl);
  for (const region of [east, west]) {
    await until(`${region} has all three`, async () => {
      const [api] = await list({ basepath: '/both' }, { at: world.regionUrl(region) });
      return Object.keys(api?.apidoc.paths ?? {}).length === 3;
    });
    for (const path of ['/first', '/east', '/west']) {
      const local = before.gwApiUrl.replace(world.url, world.regionUrl(region));
      await until(`${path} is served in ${region}`, async () => (await call(local + path)).status === 200);
    }
  }
  await remove({ basepath: '/both' });
});

test('what an API asks counts against the namespace of its action, and an action that is gone is a 404', async () => {
  const api = await created('/gone', '/p', 'GET', { action: { name: 'not-there' } });
  const reply = await call(`${api.gwApiUrl}/p`);
  assert.deepEqual([reply.status, reply.json()['error']], [404, 'The requested resource does not exist.']);
  await deploy(world.url, 'private', echo);
  await created('/gone', '/q', 'GET', { action: { name: 'private' } });
  assert.equal((await call(`${api.gwApiUrl}/q`)).status, 404);
  await remove({ basepath: '/gone' });
  await ask(world.url, 'DELETE', actionPath('private'));
});

test("the system's own namespace manages the APIs of any by invoking the actions; nobody else may see or invoke them", async () => {
  const path = (call: string) => `${actionPath(`apimgmt/${call}`).replace('/_/', '/whisk.system/')}?blocking=true&result=true`;
  const invoke = (call: string, body: object, more: Ask = { key: systemKey }) => ask(world.url, 'POST', path(call), { body, ...more });
  const selection = { __ow_user: 'guest', basepath: '/invoked', relpath: '/r', operation: 'get' };
  const action = {
    name: 'echo',
    namespace: 'guest',
    backendMethod: 'get',
    backendUrl: `${world.url}/api/v1/web/guest/default/echo.json`,
    authkey: 'x',
  };
  const apidoc = { namespace: '_', gatewayBasePath: '/invoked', gatewayPath: '/r', gatewayMethod: 'get', apiName: 'Invoked', action };
  const made = await invoke('createApi', { __ow_user: 'guest', apidoc });
  assert.equal(made.json<View>().apidoc.info.title, 'Invoked', made.text);
  assert.equal((await list({ basepath: '/invoked' })).length, 1, 'it is the API of whom the call names');
  assert.equal((await invoke('getApi', selection)).json<{ apis: View[] }>().apis.length, 1);
  assert.equal((await invoke('getApi', { ...selection, __ow_user: 'other' })).json<{ apis: View[] }>().apis.length, 0);
  for (const call of ['createApi', 'getApi', 'deleteApi']) assert.equal((await invoke(call, selection, {})).status, 403, call);
  assert.equal((await ask(world.url, 'GET', '/api/v1/namespaces/whisk.system/packages/apimgmt')).status, 403);
  assert.deepEqual((await invoke('deleteApi', selection)).json(), {});
  const gone = await invoke('deleteApi', selection);
  assert.deepEqual([gone.status, gone.json()], [502, { error: "API deletion failure: API '/invoked' does not exist." }]);
});
