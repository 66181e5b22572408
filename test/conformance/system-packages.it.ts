/** The packages of `whisk.system` as foreign clients use them, in a world of two regions; and alarms when one of the regions is lost. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ask, type Reply } from '../support/client.js';
import { projectRoot } from '../support/project.js';
import { guestKey, startWorld, until, type World } from '../support/world.js';

interface Feeds {
  create(options: object): Promise<Activation>;
  get(options: object): Promise<Activation>;
  update(options: object): Promise<Activation>;
  delete(options: object): Promise<Activation>;
}
interface Activation {
  readonly response: { readonly success: boolean; readonly result: unknown };
}

const clients = join(projectRoot, 'test/conformance/clients');
const connect = createRequire(join(clients, 'package.json'))('openwhisk') as (options: object) => { readonly feeds: Feeds };
const systemKey = '789c46b1-71f6-4ed5-8c54-816aa4f8c502:abczO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP';
const [home, away] = ['us-east-1', 'eu-west-1'] as const;
let world: World;
let config: string;

before(async () => {
  config = mkdtempSync(join(tmpdir(), 'isochrone-aio-'));
  world = await startWorld({ regions: [home, away], limits: 'openwhisk', env: { ISOCHRONE_ALARM_TAKEOVER_MS: '3000' } });
  for (const region of [home, away]) {
    await until(
      `the packages are in ${region}`,
      async () => (await call('GET', '/whisk.system/packages/apimgmt', { key: systemKey }, region)).status === 200,
    );
  }
});
after(async () => {
  await world?.stop();
  if (config) rmSync(config, { recursive: true, force: true });
});

function call(method: string, path: string, { body, key }: { body?: object; key?: string } = {}, region?: string): Promise<Reply> {
  const base = region === undefined ? world.url : world.regionUrl(region);
  return ask(base, method, `/api/v1/namespaces${path}`, { ...(body === undefined ? {} : { body }), ...(key === undefined ? {} : { key }) });
}

/** The result of an action, by its path below a namespace. */
async function result(path: string, body: object = {}, region?: string): Promise<unknown> {
  const [namespace = '', ...rest] = path.split('/');
  return (await call('POST', `/${namespace}/actions/${rest.join('/')}?blocking=true&result=true`, { body }, region)).json();
}

test('the packages are listed for everybody, with descriptions, and belong to a well-known key', async () => {
  const listed = (await call('GET', '/whisk.system/packages')).json<{ name: string; publish: boolean; annotations: { key: string }[] }[]>();
  assert.deepEqual(listed.map(({ name }) => name).toSorted(), ['alarms', 'samples', 'utils']);
  assert.ok(listed.every(({ publish, annotations }) => publish && annotations.some(({ key }) => key === 'description')));
  const { actions, feeds } = (await call('GET', '/whisk.system/packages/alarms')).json<{ actions: []; feeds: { name: string }[] }>();
  assert.deepEqual([actions, feeds.map(({ name }) => name).toSorted()], [[], ['alarm', 'interval', 'once']]);
  assert.deepEqual((await call('GET', '', { key: systemKey })).json(), ['whisk.system']);
  assert.equal((await call('GET', '/_/actions?limit=5', { key: systemKey })).status, 200);
});

test('every region has the same packages, byte for byte', async () => {
  for (const path of ['packages/utils', 'actions/utils/echo', 'actions/alarms/once', 'actions/apimgmt/createApi']) {
    const [one, other] = await Promise.all([home, away].map((region) => call('GET', `/whisk.system/${path}`, { key: systemKey }, region)));
    assert.equal(one?.status, 200, path);
    assert.equal(one?.text, other?.text, path);
  }
});

test('utilities do what those of OpenWhisk do', async () => {
  const lines = ['b', 'c', 'a'];
  const given: readonly (readonly [string, object, unknown])[] = [
    ['echo', { any: { thing: [1] } }, { any: { thing: [1] } }],
    ['cat', { lines, more: 1 }, { lines, payload: 'b\nc\na' }],
    ['sort', { lines }, { lines: ['a', 'b', 'c'], length: 3 }],
    ['split', { payload: 'one,two', separator: ',' }, { lines: ['one', 'two'], payload: 'one,two' }],
    ['split', { payload: 'one\r\ntwo\nthree' }, { lines: ['one', 'two', 'three'], payload: 'one\r\ntwo\nthree' }],
    ['head', { lines }, { lines: ['b'], num: 1 }],
    ['head', { lines, num: 2 }, { lines: ['b', 'c'], num: 2 }],
    ['namespace', {}, { namespace: 'guest' }],
    ['smash', { $fieldName: 'p', a: 1, b: { c: 2 } }, { p: { a: 1, b: { c: 2 } } }],
    ['smash', { a: 1 }, { error: "Expected an argument '$fieldName' of type 'string'." }],
  ];
  for (const [name, body, expected] of given) assert.deepEqual(await result(`whisk.system/utils/${name}`, body), expected, name);
  const { date } = (await result('whisk.system/utils/date')) as { date: string };
  assert.ok(!Number.isNaN(Date.parse(date)));
});

test('samples do what those of OpenWhisk do', async () => {
  assert.deepEqual(await result('whisk.system/samples/greeting'), { payload: 'Hello, stranger from somewhere!' });
  assert.deepEqual(await result('whisk.system/samples/greeting', { name: 'Ann', place: 'Oz' }), { payload: 'Hello, Ann from Oz!' });
  assert.deepEqual(await result('whisk.system/samples/wordCount', { payload: 'one two  three' }), { count: 4 });
  const { response, activationId } = (
    await call('POST', '/whisk.system/actions/samples/helloWorld?blocking=true', { body: { payload: 'Ann' } })
  ).json<{ response: { result: unknown }; activationId: string }>();
  assert.deepEqual(response.result, {});
  const logs = async () => (await call('GET', `/_/activations/${activationId}/logs`)).text;
  await until('its logs are there', async () => (await logs()).includes('stdout: hello Ann!'));
});

test('a binding of a package works in every region', async () => {
  const binding = { namespace: 'whisk.system', name: 'utils' };
  assert.equal((await call('PUT', '/_/packages/u', { body: { binding, parameters: [{ key: 'lines', value: ['x', 'y'] }] } })).status, 200);
  for (const region of [home, away]) {
    await until(`it is in ${region}`, async () => (await call('GET', '/_/packages/u', {}, region)).status === 200);
    assert.deepEqual(await result('_/u/cat', {}, region), { lines: ['x', 'y'], payload: 'x\ny' });
  }
});

test('the client from npm makes, reads, changes and deletes an alarm', async () => {
  const { feeds } = connect({ apihost: world.url, api_key: guestKey });
  await call('PUT', '/_/triggers/npm', { body: {} });
  const about = { feedName: '/whisk.system/alarms/alarm', trigger: '/guest/npm' };
  const params = { cron: '*/8 * * * * *', trigger_payload: { name: 'test', place: 'hello' } };
  assert.deepEqual((await feeds.create({ ...about, params })).response.result, { status: 'success' });
  const read = (await feeds.get({ ...about, params: {} })).response.result as { config: object; status: { active: boolean } };
  assert.deepEqual(read.config, { name: 'npm', namespace: 'guest', payload: params.trigger_payload, cron: params.cron, strict: false });
  assert.equal(read.status.active, true);
  assert.equal((await feeds.update({ ...about, params: { cron: '0 * * * *' } })).response.success, true);
  assert.equal((await feeds.delete(about)).response.success, true);
  await assert.rejects(feeds.get({ ...about, params: {} }), /could not find trigger \/guest\/npm in the database/);
});

test('aio makes a trigger with an alarm', async () => {
  const runner = `
    const { run, flush, handle } = require('@oclif/core');
    const root = require('node:path').dirname(require.resolve('@adobe/aio-cli-plugin-runtime/package.json'));
    run(process.argv.slice(1), root).then(flush).catch(handle);`;
  const env = {
    PATH: process.env['PATH'],
    HOME: config,
    XDG_CONFIG_HOME: config,
    USE_RUNTIME_AUTH: '1',
    AIO_RUNTIME_APIHOST: world.url,
    AIO_RUNTIME_AUTH: guestKey,
    AIO_RUNTIME_NAMESPACE: 'guest',
  };
  const args = ['runtime:trigger:create', 'aio', '--feed', '/whisk.system/alarms/interval', '--param', 'minutes', '40'];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', runner, '--', ...args], {
    cwd: clients,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr + stdout);
  const read = await result('whisk.system/alarms/interval', { lifecycleEvent: 'READ', triggerName: '/_/aio', authKey: guestKey });
  assert.equal((read as { config: { minutes: number } }).config.minutes, 40);
});

test('with the region of an alarm lost, another makes it go off, and what is due once does so once over all', async () => {
  const body = { lifecycleEvent: 'CREATE', triggerName: '/_/lone', authKey: guestKey, date: Date.now() + 9000 };
  await call('PUT', '/_/actions/seen', { body: { exec: { kind: 'nodejs:20', code: 'const main = () => ({});' } } }, away);
  await call('PUT', '/_/triggers/lone', { body: {} }, away);
  await call('PUT', '/_/rules/lone-rule', { body: { trigger: '/_/lone', action: '/_/seen' } }, away);
  assert.deepEqual(await result('whisk.system/alarms/once', body, away), { status: 'success' });
  const read = async (region: string) =>
    (await result('whisk.system/alarms/once', { ...body, lifecycleEvent: 'READ' }, region)) as {
      status?: { active: boolean; reason?: { message: string } };
    };
  await until(`${home} knows of it`, async () => (await read(home)).status?.active === true);
  world.isochrone('kill', away);
  await until(`it goes off in ${home}`, async () => (await read(home)).status?.active === false, 60_000);
  assert.equal((await read(home)).status?.reason?.message, 'Automatically disabled after firing once');
  world.isochrone('start', away);
  await until(`${away} hears of it`, async () => (await read(away)).status?.active === false, 60_000);
  const fired = async (region: string) => (await call('GET', '/_/activations?name=lone', {}, region)).json<unknown[]>().length;
  assert.deepEqual([await fired(home), await fired(away)], [1, 0]);
});
