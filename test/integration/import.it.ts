/** `isochrone import`: a namespace is read through the REST API of one host and made again at another; here both are namespaces of one world. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, deploy, invoke, type Reply } from '../support/client.js';
import { guestKey, startWorld, type World } from '../support/world.js';

let world: World;
let other: string;

before(async () => {
  world = await startWorld({ regions: ['us-east-1'], limits: 'openwhisk' });
  other = world.isochrone('subjects', 'create', 'other').trim();
  await put('packages/tools', {
    parameters: [{ key: 'unit', value: 'km' }],
    annotations: [{ key: 'description', value: 'tools' }],
    publish: true,
  });
  await deploy(world.url, 'tools/measure', 'const main = ({ unit, length }) => ({ measured: `${length} ${unit}` })', {
    parameters: [{ key: 'length', value: 7 }],
    annotations: [{ key: 'web-export', value: true }],
    limits: { timeout: 30_000, memory: 128, logs: 1 },
  });
  await deploy(world.url, 'first', 'const main = (args) => ({ ...args, first: true })');
  await put('actions/inner', { exec: { kind: 'sequence', components: ['/_/first', '/_/tools/measure'] } });
  await put('packages/bound', { binding: { namespace: '_', name: 'tools' }, parameters: [{ key: 'unit', value: 'mi' }] });
  await put('actions/through', { exec: { kind: 'sequence', components: ['/_/first', '/_/bound/measure'] } });
  // Listed before what it is made of: names are read from the newest to the oldest.
  await put('actions/outer', { exec: { kind: 'sequence', components: ['/guest/inner', '/guest/first'] } });
  await put('triggers/tick', { parameters: parsedParameters });
  const api = { namespace: '_', gatewayBasePath: '/club', gatewayPath: '/books', gatewayMethod: 'GET', id: 'API:guest:/club' };
  const target = {
    name: 'tools/measure',
    namespace: '_',
    backendMethod: 'GET',
    authkey: guestKey,
    backendUrl: `${world.url}/api/v1/web/guest/tools/measure.json`,
  };
  const created = await ask(world.url, 'POST', '/api/v1/web/whisk.system/apimgmt/createApi.http?responsetype=json', {
    body: { apidoc: { ...api, action: target } },
  });
  assert.equal(created.status, 200, created.text);
  await put('triggers/daily', { annotations: [{ key: 'feed', value: '/whisk.system/alarms/alarm' }] });
  const feed = { lifecycleEvent: 'CREATE', triggerName: '/guest/daily', authKey: guestKey, cron: '0 4 * * *', timezone: 'Europe/Lisbon' };
  const fed = await ask(world.url, 'POST', '/api/v1/namespaces/whisk.system/actions/alarms/alarm?blocking=true&result=true', {
    body: feed,
  });
  assert.deepEqual(fed.json(), { status: 'success' });
  await put('triggers/fed', { annotations: [{ key: 'feed', value: '/guest/tools/measure' }] });
  await put('rules/on', { trigger: '/_/tick', action: '/_/first' });
  await put('rules/off', { trigger: '/_/tick', action: '/_/tools/measure' });
  assert.equal((await ask(world.url, 'POST', '/api/v1/namespaces/_/rules/off', { body: { status: 'inactive' } })).status, 200);
});

after(() => world.stop());

const parsedParameters = [{ key: 'text', value: 'ünïcödé' }];

async function put(path: string, body: object): Promise<void> {
  const reply = await ask(world.url, 'PUT', `/api/v1/namespaces/_/${path}?overwrite=true`, { body });
  assert.equal(reply.status, 200, `${path}: ${reply.text}`);
}

const get = (path: string, key: string): Promise<Reply> => ask(world.url, 'GET', `/api/v1/namespaces/_/${path}`, { key });

/** What is here after an import, as it tells. */
const counted = [
  'packages   1 of 1',
  'actions    2 of 2',
  'sequences  3 of 3',
  'bindings   1 of 1',
  'triggers   3 of 3',
  'rules      2 of 2',
  'APIs       1 of 1',
];

/** Runs the import and returns what it told, whatever its code. */
function bring(): string {
  try {
    return world.isochrone('import', '--from', world.url, '--auth', guestKey, '--to', world.url, '--to-auth', other);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('everything is there afterwards, counted, and what could not be brought over is named', async () => {
  const told = bring();
  for (const line of counted) assert.ok(told.includes(line), `${line} is not in ${told}`);
  assert.match(told, /not brought over: feeds fed: create it again: its feed \/guest\/tools\/measure is no feed of this platform/);
  assert.match(told, /ended with 1/);

  for (const path of ['actions/tools/measure', 'actions/first', 'packages/tools', 'triggers/tick']) {
    const [theirs, ours] = await Promise.all([get(path, guestKey), get(path, other)]);
    const { exec, parameters, limits, version, publish, annotations } = theirs.json();
    const copy = ours.json();
    assert.deepEqual(
      [copy['exec'], copy['parameters'], copy['limits'], copy['version'], copy['publish']],
      [exec, parameters, limits, version, publish],
      path,
    );
    assert.deepEqual(
      new Set((copy['annotations'] as []).map((each) => JSON.stringify(each))),
      new Set((annotations as []).map((each) => JSON.stringify(each))),
    );
  }
});

test('what was brought over works by itself: sequences, bindings and rules name the new namespace', async () => {
  assert.deepEqual((await invoke(world.url, 'outer', { length: 3 }, { key: other })).json(), { measured: '3 km', first: true });
  assert.deepEqual((await invoke(world.url, 'bound/measure', {}, { key: other })).json(), { measured: '7 mi' });
  const rules = await Promise.all(['on', 'off'].map(async (name) => (await get(`rules/${name}`, other)).json()));
  assert.deepEqual(
    rules.map(({ status, trigger, action }) => ({ status, trigger, action })),
    [
      { status: 'active', trigger: { path: 'other', name: 'tick' }, action: { path: 'other', name: 'first' } },
      { status: 'inactive', trigger: { path: 'other', name: 'tick' }, action: { path: 'other/tools', name: 'measure' } },
    ],
  );
});

test('an API answers with the new namespace’s action, and an alarm goes off for the new namespace', async () => {
  assert.deepEqual((await ask(world.url, 'GET', '/apis/other/club/books?length=4', { key: null })).json(), { measured: '4 km' });
  const body = { lifecycleEvent: 'READ', triggerName: '/_/daily', authKey: other };
  const read = await ask(world.url, 'POST', '/api/v1/namespaces/whisk.system/actions/alarms/alarm?blocking=true&result=true', {
    body,
    key: other,
  });
  assert.match(read.text, /"cron":"0 4 \* \* \*".*"timezone":"Europe\/Lisbon"/);
});

test('a second import changes nothing, and a third brings what changed since', async () => {
  const again = bring();
  for (const line of counted) assert.match(again, new RegExp(`${line} are here \\(0 written, \\d unchanged\\)`));
  await deploy(world.url, 'first', 'const main = () => ({ first: "again" })');
  assert.match(bring(), /actions {4}2 of 2 are here \(1 written, 1 unchanged\)/);
  assert.deepEqual((await invoke(world.url, 'first', {}, { key: other })).json(), { first: 'again' });
});

test('a host that is none, and a key that opens nothing, are told in one line', () => {
  const tell = (...args: string[]): string => {
    try {
      return world.isochrone('import', ...args);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  assert.match(
    tell('--from', 'http://127.0.0.1:1', '--auth', guestKey),
    /ended with 1: isochrone: http:\/\/127\.0\.0\.1:1 cannot be reached/,
  );
  const stranger = `${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}:x`;
  assert.match(tell('--from', world.url, '--auth', stranger), /does not let this key in: The supplied authentication is invalid/);
  assert.match(tell('--from', world.url, '--auth', 'nonsense'), /ended with 2: isochrone: a key has the form uuid:key/);
  assert.match(tell('--from', world.url), /ended with 2: isochrone: it takes --from and --auth/);
});
