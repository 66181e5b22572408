/**
 * Hostile tenants against the REST API and web actions: what one namespace has is neither reached, changed nor betrayed by another, whatever is put
 * into a path, a body or a header. Every route is tried by every class of attack.
 */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { ask, deploy, invoke } from '../support/client.js';
import { guestKey, startWorld, until, type World } from '../support/world.js';

let world: World;
let mallory: string;
let activation: string;

const api = '/api/v1/namespaces';
const nobody = '0'.repeat(32);
const code = 'const main = (args) => args';

before(async () => {
  world = await startWorld({ regions: ['us-east-1'], watched: true });
  mallory = world.isochrone('subjects', 'create', 'mallory').trim();
  const put = async (path: string, body: object): Promise<void> =>
    assert.equal((await ask(world.url, 'PUT', `${api}/_/${path}`, { body })).status, 200, path);
  await put('packages/private', { parameters: [{ key: 'token', value: 'hush' }] });
  await put('packages/shared', { publish: true });
  await deploy(world.url, 'secret', code, { parameters: [{ key: 'token', value: 'hush' }] });
  await deploy(world.url, 'private/inner', code);
  const web = [{ key: 'web-export', value: true }];
  await deploy(world.url, 'shared/locked', code, {
    annotations: [...web, { key: 'final', value: true }],
    parameters: [{ key: 'who', value: 'guest' }],
  });
  await deploy(world.url, 'shared/worded', code, { annotations: [...web, { key: 'require-whisk-auth', value: 'sesame' }] });
  await put('triggers/event', {});
  await put('rules/follow', { trigger: '/_/event', action: '/_/secret' });
  activation = (await ask(world.url, 'POST', `${api}/_/actions/secret?blocking=true`, { body: {} })).json<{ activationId: string }>()
    .activationId;
  await until('the record is there', async () => (await ask(world.url, 'GET', `${api}/_/activations/${activation}`)).status === 200);
});

after(() => world?.stop());

interface Told {
  readonly status: number;
  readonly text: string;
}

/** Sends a path exactly as it is spelt; the header is sent as it stands too. */
function send(method: string, path: string, key: string | undefined, body?: object, headers: Record<string, string> = {}): Promise<Told> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: world.port,
        method,
        path,
        agent: false, // a connection kept from before a command ran may be closed by now
        timeout: 60_000,
        headers: {
          ...(key !== undefined && { authorization: `Basic ${Buffer.from(key).toString('base64')}` }),
          ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
          ...headers,
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
      },
    );
    asked.on('error', reject);
    asked.end(payload);
  });
}

/** An answer without what differs from request to request and from name to name. */
function anonymised({ status, text }: Told, ...names: readonly string[]): Told {
  const plain = names.reduce((all, name) => all.replaceAll(name, 'NAME'), text.replace(/"code":"\w+"/, '"code":""'));
  return { status, text: plain };
}

const putBodies: Readonly<Record<string, object>> = {
  actions: { exec: { kind: 'nodejs:20', code } },
  packages: {},
  triggers: {},
  rules: { trigger: '/_/event', action: '/_/secret' },
};

/** Every route of entities and activations: `what` is there in the other namespace, `missing` is not. */
const routes = [
  ...['GET', 'PUT', 'POST', 'DELETE'].map((method) => ({ method, collection: 'actions', what: 'secret', missing: 'absent' })),
  ...['GET', 'PUT', 'POST', 'DELETE'].map((method) => ({ method, collection: 'actions', what: 'private/inner', missing: 'hidden/inner' })),
  ...['GET', 'PUT', 'DELETE'].map((method) => ({ method, collection: 'packages', what: 'private', missing: 'absent' })),
  ...['GET', 'PUT', 'POST', 'DELETE'].map((method) => ({ method, collection: 'triggers', what: 'event', missing: 'absent' })),
  ...['GET', 'PUT', 'POST', 'DELETE'].map((method) => ({ method, collection: 'rules', what: 'follow', missing: 'absent' })),
];

test('what another namespace has is refused in the same words as what it has not', async () => {
  for (const { method, collection, what, missing } of routes) {
    const body = method === 'PUT' ? putBodies[collection] : method === 'POST' ? { status: 'inactive' } : undefined;
    const at = (name: string): Promise<Told> => send(method, `${api}/guest/${collection}/${name}`, mallory, body);
    const names = [what, missing, 'private', 'hidden'];
    const [there, not] = [anonymised(await at(what), ...names), anonymised(await at(missing), ...names)];
    const place = `${method} ${collection}/${what}`;
    assert.deepEqual(there, not, place);
    assert.equal(there.status, 403, `${place}: ${there.text}`);
  }
  for (const part of ['', '/logs', '/result']) {
    const own = (id: string): Promise<Told> => send('GET', `${api}/_/activations/${id}${part}`, mallory);
    const [there, not] = [anonymised(await own(activation)), anonymised(await own(nobody))];
    assert.deepEqual(there, not);
    assert.equal(there.status, 404);
    const foreign = await send('GET', `${api}/guest/activations/${activation}${part}`, mallory);
    const absent = await send('GET', `${api}/guest/activations/${nobody}${part}`, mallory);
    assert.deepEqual(anonymised(foreign, activation), anonymised(absent, nobody));
    assert.equal(foreign.status, 403);
  }
  for (const collection of ['actions', 'triggers', 'rules', 'activations', 'limits']) {
    const [there, not] = [
      await send('GET', `${api}/guest/${collection}`, mallory),
      await send('GET', `${api}/no-such/${collection}`, mallory),
    ];
    assert.deepEqual(anonymised(there, 'guest'), anonymised(not, 'no-such'), collection);
    assert.equal(there.status, 403, `${collection}: ${there.text}`);
  }
});

test('nothing of it was changed by all that', async () => {
  assert.deepEqual((await invoke(world.url, 'secret')).json(), { token: 'hush' });
  assert.equal((await ask(world.url, 'GET', `${api}/_/rules/follow`)).json()['status'], 'active');
  for (const path of ['packages/private', 'actions/private/inner', 'triggers/event'])
    assert.equal((await ask(world.url, 'GET', `${api}/_/${path}`)).json()['version'], '0.0.1', path);
});

test('a binding, a sequence or a rule is no way into another namespace', async () => {
  const refusals = [
    ['packages/into', { binding: { namespace: 'guest', name: 'private' } }, { binding: { namespace: 'guest', name: 'hidden' } }],
    ['actions/into', sequence('/guest/private/inner'), sequence('/guest/hidden/inner')],
    ['actions/into', sequence('/guest/secret'), sequence('/guest/absent')],
    ['rules/into', { trigger: '/guest/event', action: '/_/secret' }, { trigger: '/guest/absent', action: '/_/secret' }],
    ['rules/into', { trigger: '/_/own', action: '/guest/secret' }, { trigger: '/_/own', action: '/guest/absent' }],
  ] as const;
  assert.equal((await send('PUT', `${api}/_/triggers/own`, mallory, {})).status, 200);
  for (const [path, body, missing] of refusals) {
    const names = ['private', 'hidden', 'secret', 'absent', 'event', '/inner'];
    const there = await send('PUT', `${api}/_/${path}`, mallory, body);
    assert.deepEqual(
      anonymised(there, ...names),
      anonymised(await send('PUT', `${api}/_/${path}`, mallory, missing), ...names),
      JSON.stringify(body),
    );
    assert.equal(there.status, 403, `${JSON.stringify(body)}: ${there.text}`);
  }
});

function sequence(...components: string[]): object {
  return { exec: { kind: 'sequence', components } };
}

/** Names that look like others, climb, end early or say more than one thing. */
const spellings = {
  'a slash, encoded': 'private%2finner%2fmore',
  'a path, encoded': '..%2f..%2fguest%2factions%2fsecret',
  'a back slash': '..%5cguest',
  'a NUL': 'secret%00',
  'a new line': 'secret%0a',
  'a space before': '%20secret',
  'a look-alike': '%D1%95ecret',
  'a full-width look-alike': '%EF%BD%93ecret',
  'a mark that hides': 'sec%E2%80%8Bret',
  'half a character': 'secret%FF',
  'a broken escape': 'secret%',
  'an escape of an escape': '%252e%252e',
  markup: '%3Cscript%3E',
  'a quote and SQL': "x'%20OR%20'1'='1",
  'a name that is too long': 'n'.repeat(257),
  'a query in the name': 'secret%3Fcode=true',
};

test('a name that is none is refused on every route, by key and without, and never as an error of ours', async () => {
  for (const [what, spelt] of Object.entries(spellings)) {
    for (const { method, path } of everywhere(spelt)) {
      for (const [who, key] of [
        ['mallory', mallory],
        ['nobody', undefined],
      ] as const) {
        const { status, text } = await send(method, path, key, method === 'PUT' ? putBodies['actions'] : undefined);
        const place = `${what}: ${method} ${path} by ${who} gives ${status} ${text.slice(0, 200)}`;
        assert.ok(status >= 400 && status < 500, place);
        assert.ok(!text.includes('hush'), place);
        // What is no URL at all is refused before anything of the API looks at it.
        if (status === 400 && text.endsWith('is not a valid url component')) continue;
        const parsed = JSON.parse(text) as { error?: unknown; code?: unknown };
        assert.ok(typeof parsed.error === 'string' && typeof parsed.code === 'string', place);
        if (key === undefined && !path.startsWith('/api/v1/web')) assert.ok([401, 404, 400].includes(status), place);
      }
    }
  }
});

test('dots in a path lead where the path without them leads, and to nothing of another', async () => {
  for (const dots of ['..', '.', '%2e%2E', '.%2e']) {
    for (const { method, path } of everywhere(dots).filter((each) => each.method !== 'PUT')) {
      const plain = new URL(path, 'http://none').pathname;
      for (const key of [mallory, undefined]) {
        const [dotted, direct] = [await send(method, path, key), await send(method, plain, key)];
        const place = `${method} ${path} gives ${dotted.status} ${dotted.text.slice(0, 200)}`;
        assert.equal(dotted.status, direct.status, place);
        assert.ok(dotted.status < 500 && !dotted.text.includes('hush'), place);
      }
    }
  }
  const stolen = await send('GET', `${api}/_/actions/../../guest/actions/secret`, mallory);
  assert.equal(stolen.status, 403, stolen.text);
});

function everywhere(name: string): { method: string; path: string }[] {
  const places = [
    `_/actions/${name}`,
    `_/actions/${name}/inner`,
    `_/packages/${name}`,
    `_/triggers/${name}`,
    `_/rules/${name}`,
    `${name}/actions/secret`,
  ];
  return [
    ...places.flatMap((place) => ['GET', 'PUT', 'POST', 'DELETE'].map((method) => ({ method, path: `${api}/${place}` }))),
    { method: 'GET', path: `${api}/_/activations/${name}` },
    { method: 'GET', path: `${api}/_/activations/${name}/logs` },
    { method: 'GET', path: `${api}/${name}/limits` },
    { method: 'GET', path: `/api/v1/web/${name}/default/secret` },
    { method: 'GET', path: `/api/v1/web/guest/${name}/inner` },
    { method: 'GET', path: `/api/v1/web/guest/default/${name}` },
  ];
}

test('a body cannot say whose an entity is, when it was made, or who its creator is', async () => {
  const forged = {
    namespace: 'guest',
    name: 'secret',
    updated: 1,
    subject: 'guest',
    ns: '23bc46b1-71f6-4ed5-8c54-816aa4f8c502',
    entityId: '23bc46b1-71f6-4ed5-8c54-816aa4f8c502',
    hlc: '1',
    origin: 1,
    deleted: true,
    sealed: 'x',
    blob: '0'.repeat(64),
    _id: 'guest/secret',
    _rev: '1-x',
    constructor: { prototype: { admin: true } },
  };
  for (const [collection, body] of Object.entries({ ...putBodies, rules: { trigger: '/_/own', action: '/_/mine' } })) {
    if (collection === 'rules')
      assert.equal((await send('PUT', `${api}/_/actions/mine?overwrite=true`, mallory, putBodies['actions'])).status, 200);
    const { status, text } = await send('PUT', `${api}/_/${collection}/forged-${collection}`, mallory, { ...forged, ...body });
    assert.equal(status, 200, `${collection}: ${text}`);
    const told = JSON.parse(text) as Record<string, unknown>;
    assert.equal(told['namespace'], 'mallory');
    assert.equal(told['name'], `forged-${collection}`);
    assert.ok(Number(told['updated']) > 1_600_000_000_000);
    for (const field of ['subject', 'ns', 'entityId', 'hlc', 'origin', 'deleted', 'sealed', 'blob', '_id', '_rev'])
      assert.ok(!(field in told), `${collection} tells ${field}`);
  }
});

test('headers make nobody another', async () => {
  const forged = {
    'x-namespace-id': 'guest',
    'x-isochrone-region': 'elsewhere',
    'x-isochrone-pin': 'elsewhere',
    'x-forwarded-user': 'guest',
    'x-forwarded-host': 'guest.example',
    'x-ow-user': 'guest',
    __ow_user: 'guest',
  };
  assert.equal((await send('GET', `${api}/_/actions/secret`, mallory, undefined, forged)).status, 404);
  assert.equal((await send('GET', `${api}/guest/actions/secret`, mallory, undefined, forged)).status, 403);
  assert.deepEqual(JSON.parse((await send('GET', api, mallory, undefined, forged)).text), ['mallory']);
  const both = {
    authorization: `Basic ${Buffer.from(mallory).toString('base64')}`,
    'proxy-authorization': `Basic ${Buffer.from(guestKey).toString('base64')}`,
  };
  assert.deepEqual(JSON.parse((await send('GET', api, undefined, undefined, both)).text), ['mallory']);
});

test('a web action’s word, locked parameters and reserved names hold', async () => {
  const web = '/api/v1/web/guest/shared';
  for (const word of [undefined, '', 'Sesame', 'sesame ', 'sesam', 'true'])
    assert.equal(
      (await send('GET', `${web}/worded.json`, mallory, undefined, word === undefined ? {} : { 'x-require-whisk-auth': word })).status,
      word === 'sesame ' ? 200 : 401,
      `the word ${String(word)}`,
    );
  assert.equal((await send('GET', `${web}/worded.json`, undefined, undefined, { 'x-require-whisk-auth': 'sesame' })).status, 200);
  for (const [method, query, body] of [
    ['GET', '?who=mallory', undefined],
    ['POST', '', { who: 'mallory' }],
    ['GET', '?__ow_user=guest', undefined],
    ['POST', '', { __ow_user: 'guest' }],
    ['POST', '', { __ow_headers: { authorization: 'x' } }],
    ['GET', '?__ow_method=delete', undefined],
    ['GET', '?__ow_path=/x', undefined],
  ] as const) {
    const { status, text } = await send(method, `${web}/locked.json${query}`, mallory, body);
    assert.equal(status, 400, `${method} ${query} ${JSON.stringify(body)}: ${text}`);
  }
  const told = JSON.parse((await send('GET', `${web}/locked.json`, mallory)).text) as Record<string, unknown>;
  assert.equal(told['who'], 'guest');
  assert.equal(told['__ow_user'], 'mallory');
});

test('an action that is no web action is, from outside, no action', async () => {
  const texts = new Set<string>();
  for (const path of [
    'guest/default/secret',
    'guest/default/absent',
    'guest/private/inner',
    'guest/private/absent',
    'guest/hidden/inner',
    'no-such/default/secret',
  ]) {
    const { status, text } = await send('GET', `/api/v1/web/${path}`, mallory);
    assert.equal(status, 404, path);
    texts.add(anonymised({ status, text: text.replace(/\s/g, '') }).text);
  }
  assert.equal(texts.size, 1, [...texts].join('\n'));
});

test('a key that was taken away opens no route', async () => {
  const stale = world.isochrone('subjects', 'create', 'leaver').trim();
  assert.equal((await send('PUT', `${api}/_/actions/mine`, stale, putBodies['actions'])).status, 200);
  world.isochrone('subjects', 'delete', 'leaver');
  await until('the key is refused', async () => (await send('GET', api, stale)).status === 401);
  for (const { method, path } of everywhere('mine').filter((route) => !route.path.startsWith('/api/v1/web')))
    assert.equal((await send(method, path, stale, method === 'PUT' ? putBodies['actions'] : undefined)).status, 401, `${method} ${path}`);
});

test('every answer was as the document describes it', async () => assert.deepEqual(await world.departures(), []));
