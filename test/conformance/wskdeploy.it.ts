/** The unmodified `wskdeploy`, built from source, driven through every command that its help lists, against the router of a world. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ask, type Reply } from '../support/client.js';
import { commandsOf, runner, type Run } from '../support/cobra.js';
import { Ledger } from '../support/compatibility.js';
import { goTool } from '../support/go-tools.js';
import { projectRoot } from '../support/project.js';
import { guestKey, startWorld, until, type World } from '../support/world.js';

/** What the manifests beside the module name. */
const sources = {
  'src/greet.js': 'function main(args) { return { greeting: `Hello, ${args.name} of ${args.place}` }; }',
  'src/web.js': 'function main(args) { return { body: { raw: typeof args.__ow_body, path: args.__ow_path } }; }',
  'src/steer.js':
    "function main(args) { return args.steered ? { params: { steered: args.inline } } : { action: 'shopping/inline', params: {}, state: { steered: 1 } }; }",
  'src/greet.py': "def main(args): return {'python': args.get('name')}",
  'src/folder/package.json': '{ "main": "index.js" }',
  'src/folder/index.js': "exports.main = () => ({ part: require('./common/part.js') });",
  'common/part.js': 'module.exports = 42;',
  'params.json': '{ "place": "Oslo" }',
};

let world: World;
let project: string;
let run: Run;
let ledger: Ledger;

before(async () => {
  const { file, version } = goTool('wskdeploy');
  ledger = new Ledger(
    'wskdeploy',
    version,
    'Built from source, in a project with every feature of a manifest, against the router of a world.',
  );
  project = mkdtempSync(join(tmpdir(), 'isochrone-wskdeploy-'));
  cpSync(join(projectRoot, 'test/conformance/tools/wskdeploy/project'), project, { recursive: true });
  for (const [name, text] of Object.entries(sources)) {
    mkdirSync(join(project, name, '..'), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  world = await startWorld({ limits: 'openwhisk', watched: true });
  const props = { APIHOST: world.url, AUTH: guestKey, NAMESPACE: 'guest', APIGW_ACCESS_TOKEN: 'any' };
  writeFileSync(
    join(project, '.wskprops'),
    Object.entries(props)
      .map((pair) => `${pair.join('=')}\n`)
      .join(''),
  );
  run = runner(file, project, { GREETING: 'welcome' });
  await until('the feeds are there', async () => (await get('/whisk.system/packages/alarms')).status === 200);
});
after(async () => {
  await world?.stop();
  if (project) rmSync(project, { recursive: true, force: true });
});

/** Runs `wskdeploy`, which must end well. */
async function wskdeploy(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  assert.equal(code, 0, `wskdeploy ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

function get(path: string): Promise<Reply> {
  return ask(world.url, 'GET', `/api/v1/namespaces${path}`);
}

async function invoke(action: string, body: object = {}): Promise<unknown> {
  return (await ask(world.url, 'POST', `/api/v1/namespaces/${action}?blocking=true&result=true`, { body })).json();
}

/** Everything in the namespace, as `collection/name` or `collection/package/name`. */
async function everything(): Promise<string[]> {
  const lists = ['packages', 'actions', 'triggers', 'rules'].map(async (kind) =>
    (await get(`/_/${kind}?limit=0`))
      .json<{ namespace: string; name: string }[]>()
      .map(({ namespace, name }) => [kind, ...namespace.split('/').slice(1), name].join('/')),
  );
  return (await Promise.all(lists)).flat().toSorted();
}

test('tells what it would do and does nothing', async () => {
  assert.match(await wskdeploy('report', '-m', 'manifest.yaml'), /"name": "Ann"/);
  assert.match(await wskdeploy('--preview', '-m', 'manifest.yaml'), /\* action: greet/);
  assert.deepEqual(await everything(), []);
  ledger.works('report');
});

test('deploys every feature of a manifest, and deploys it again', async () => {
  for (const args of [[], ['-d', 'other-inputs.yaml', '--param', 'mode', 'fancy', '-P', 'params.json', '--strict']]) {
    assert.match(await wskdeploy('-m', 'manifest.yaml', ...args), /Deployment completed successfully/);
  }
  type Shown = Record<'parameters' | 'annotations', { key: string; value: unknown }[]> & { publish: boolean; limits: object };
  const pkg = (await get('/_/packages/shopping')).json<Shown>();
  assert.equal(pkg.publish, true);
  assert.deepEqual(
    new Map(pkg.parameters.map(({ key, value }) => [key, value])),
    new Map([
      ['place', 'Oslo'],
      ['mode', 'fancy'],
    ]),
  );
  assert.deepEqual(pkg.annotations, [{ key: 'owner', value: 'me' }]);
  const greet = (await get('/_/actions/shopping/greet')).json<Shown>();
  assert.deepEqual(greet.limits, { timeout: 20000, memory: 128, logs: 1, concurrency: 1 });
  assert.ok(greet.parameters.some(({ key, value }) => key === 'envs' && value === 'welcome'));
  assert.ok(greet.annotations.some(({ key, value }) => key === 'color' && value === 'blue'));
});

test('what it deployed runs', async () => {
  const bound = { place: 'Oslo', mode: 'fancy' };
  assert.deepEqual(await invoke('_/actions/shopping/greet'), { greeting: 'Hello, Dee of Oslo' });
  assert.deepEqual(await invoke('_/actions/shopping/inline', { a: 1 }), { inline: { ...bound, a: 1 } });
  assert.deepEqual(await invoke('_/actions/shopping/zipped'), { part: 42 });
  assert.deepEqual(await invoke('_/actions/shopping/python', { name: 'Zoe' }), { python: 'Zoe' });
  assert.deepEqual(await invoke('_/actions/shopping/twice'), { inline: { ...bound, greeting: 'Hello, Dee of Oslo' } });
  assert.deepEqual(await invoke('_/actions/shopping/steer'), { steered: bound });
  assert.deepEqual(await invoke('_/actions/lonely', { name: 'A', place: 'B' }), { greeting: 'Hello, A of B' });
  assert.deepEqual(await invoke('_/actions/tools/split', { payload: 'a,b' }), { lines: ['a', 'b'], payload: 'a,b' });
  const web = (path: string, headers = {}) => ask(world.url, 'POST', `/api/v1/web/guest/shopping/${path}`, { body: { a: 1 }, headers });
  assert.deepEqual((await web('page.http/x')).json(), { raw: 'undefined', path: '/x' });
  assert.deepEqual((await web('raw.http/x')).json(), { raw: 'string', path: '/x' });
  assert.equal((await web('guarded.http')).status, 401);
  assert.equal((await web('guarded.http', { 'x-require-whisk-auth': 'sesame' })).status, 200);
  assert.deepEqual((await ask(world.url, 'GET', '/apis/guest/shop/pages/hat')).json(), { raw: 'undefined', path: '/shop/pages/hat' });
});

test('its triggers reach their rules, its feed is an alarm', async () => {
  await ask(world.url, 'POST', '/api/v1/namespaces/_/triggers/ordered', { body: {} });
  await until('the rule has run its action', async () => {
    const records = (await get('/_/activations?name=shopping/greet&docs=true')).json<{ cause?: string; response: { result: object } }[]>();
    return records.some(({ response }) => JSON.stringify(response.result) === '{"greeting":"Hello, Bob of Oslo"}');
  });
  const alarm = { lifecycleEvent: 'READ', triggerName: '/_/often', authKey: guestKey };
  const { config } = (await invoke('whisk.system/actions/alarms/interval', alarm)) as { config: { minutes: number } };
  assert.equal(config.minutes, 50);
  ledger.works('wskdeploy');
});

test('undeploys what it deployed', async () => {
  assert.match(await wskdeploy('undeploy', '--preview', '-m', 'manifest.yaml'), /rule: ordered-greets/);
  assert.match(await wskdeploy('undeploy', '-m', 'manifest.yaml', '-d', 'other-inputs.yaml'), /Undeployment completed successfully/);
  assert.deepEqual(await everything(), []);
  assert.equal((await ask(world.url, 'GET', '/apis/guest/shop/pages/hat')).status, 404);
  ledger.works('undeploy');
});

test('exports a project, from which it comes back', async () => {
  await wskdeploy('sync', '-m', 'manifest.yaml', '--managed');
  const whole = await everything();
  assert.match(await wskdeploy('export', '-m', 'out/manifest.yaml', '--projectname', 'shop'), /Manifest exported/);
  assert.match(readFileSync(join(project, 'out/manifest.yaml'), 'utf8'), /minutes:\n\s+value: 50/);
  assert.ok(existsSync(join(project, 'out/shopping/zipped.zip')));
  await wskdeploy('undeploy', '-m', 'manifest.yaml');
  assert.deepEqual(await everything(), []);
  await wskdeploy('-m', 'out/manifest.yaml');
  assert.deepEqual(
    await everything(),
    whole.filter((name) => name !== 'actions/lonely'),
  );
  assert.deepEqual(await invoke('_/actions/shopping/zipped'), { part: 42 });
  assert.deepEqual(await invoke('_/actions/shopping/inline'), { inline: { place: 'Paris', mode: 'plain' } });
  assert.deepEqual((await ask(world.url, 'GET', '/apis/guest/shop/pages/hat')).json(), { raw: 'undefined', path: '/shop/pages/hat' });
  await wskdeploy('undeploy', '-m', 'out/manifest.yaml');
  assert.deepEqual(await everything(), []);
  ledger.works('export');
});

test('brings a managed project to what its manifest says now', async () => {
  await wskdeploy('sync', '-m', 'manifest.yaml', '--managed');
  assert.ok((await everything()).includes('actions/shopping/zipped'));
  assert.match(await wskdeploy('sync', '-m', 'smaller.yaml'), /Deployment completed successfully/);
  await ask(world.url, 'DELETE', '/api/v1/namespaces/_/actions/lonely'); // `wskdeploy` manages nothing outside packages.
  const left = ['actions/shopping/greet', 'packages/shopping', 'rules/ordered-greets', 'triggers/ordered'];
  assert.deepEqual(await everything(), left);
  assert.deepEqual(await invoke('_/actions/shopping/greet'), { greeting: 'Hello, Ann of Rome' });
  await wskdeploy('undeploy', '--projectname', 'shop');
  assert.deepEqual(await everything(), []);
  ledger.works('sync');
});

test('says why it cannot', async () => {
  const { code, stdout, stderr } = await run('-m', 'manifest.yaml', '--auth', 'nobody:nothing');
  assert.equal(code, 255);
  assert.match(stdout + stderr, /The supplied authentication is invalid \(code \w+\)/);
  assert.deepEqual(await everything(), []);
});

test('every command that its help lists was driven, and every answer was as the document describes it', async () => {
  assert.match(await wskdeploy('version'), /wskdeploy version/);
  assert.match(await wskdeploy('help'), /Usage:/);
  for (const command of ['version', 'help']) ledger.works(command);
  assert.deepEqual(ledger.missing(['wskdeploy', ...(await commandsOf(run))]), []);
  assert.deepEqual(await world.departures(), []);
  ledger.save();
});
