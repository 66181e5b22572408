/**
 * OpenWhisk's unmodified command line, `wsk`, driven through every command that its help lists, against the router of a world. It comes from no
 * package registry, so what is on the PATH is taken; without one nothing is tested here.
 */
import assert from 'node:assert/strict';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { commandsOf, runner, type Run } from '../support/cobra.js';
import { Ledger } from '../support/compatibility.js';
import { zipOf } from '../support/sandboxes.js';
import { guestKey, startWorld, until, type World } from '../support/world.js';

/** Codes that `wsk` ends with: of a request that was refused it is the status less 256. */
const ends = { badUsage: 2, badRequest: 144, unauthorized: 145, notFound: 148, conflict: 153, failed: 246 } as const;

const sources = {
  'greet.js':
    "function main(args) { console.log('out'); console.error('err'); return { greeting: `Hello, ${args.name} of ${args.place}` }; }",
  'web.js': 'function main(args) { return { body: { raw: typeof args.__ow_body, path: args.__ow_path } }; }',
  'start.js': 'function start(args) { return args; }',
  'broken.js': "function main() { return { error: 'broke' }; }",
  'params.json': '{ "place": "Oslo" }',
  'manifest.yaml': `
project:
  name: shop
  packages:
    shopping:
      actions:
        greet: { function: greet.js, inputs: { name: Ann, place: $PLACE } }
      triggers: { ordered: }
      rules: { ordered-greets: { trigger: ordered, action: greet } }
`,
};

const file = onPath('wsk');
const skip = file === undefined ? 'there is no wsk on the PATH' : false;
const test = (name: string, check: () => Promise<void>): void => void nodeTest(name, { skip }, check);

let world: World;
let home: string;
let run: Run;
let ledger: Ledger;

before(async () => {
  if (file === undefined) return;
  home = mkdtempSync(join(tmpdir(), 'isochrone-wsk-'));
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(home, name), text);
  run = runner(file, home, { PLACE: 'Paris' });
  const version = (await run('property', 'get', '--cliversion', '--output', 'raw')).stdout.trim();
  ledger = new Ledger(
    'wsk',
    version.replaceAll(' ', '-'),
    'The one on the PATH, under the version it tells, against the router of a world.',
  );
  world = await startWorld({ limits: 'openwhisk', watched: true });
  await wsk('property', 'set', '--apihost', world.url, '--auth', guestKey);
  await until('the system packages are there', async () => (await run('package', 'get', '/whisk.system/alarms')).code === 0);
});
after(async () => {
  await world?.stop();
  if (home) rmSync(home, { recursive: true, force: true });
});

function onPath(name: string): string | undefined {
  const files = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  return files.find((each) => {
    try {
      accessSync(each, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs `wsk`, which must end well. */
async function wsk(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  assert.equal(code, 0, `wsk ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs `wsk`, which must fail with a code and say why. */
async function refused(code: number, why: RegExp, ...args: string[]): Promise<void> {
  const ended = await run(...args);
  assert.equal(ended.code, code, `wsk ${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  assert.match(ended.stdout + ended.stderr, why);
}

/** What `wsk` prints as JSON, below its line of `ok`. */
async function json(...args: string[]): Promise<unknown> {
  return JSON.parse((await wsk(...args)).replace(/^ok: .*\n/, ''));
}

/** A list of key and value, as `wsk` prints it. */
async function pairs(...args: string[]): Promise<Record<string, unknown>> {
  return Object.fromEntries(((await json(...args)) as { key: string; value: unknown }[]).map(({ key, value }) => [key, value]));
}

function works(...commands: string[]): void {
  for (const command of commands) ledger.works(command);
}

test('property, namespace and list', async () => {
  assert.match(await wsk('property', 'get', '--all'), /whisk API build\s+\d{4}-/);
  assert.match(await wsk('property', 'get', '--apibuild', '-o', 'raw'), /^\d{4}-/);
  await wsk('property', 'set', '--auth', 'nobody:nothing');
  await refused(ends.unauthorized, /The supplied authentication is invalid \(code \w+\)/, 'namespace', 'list');
  await wsk('property', 'unset', '--auth');
  assert.doesNotMatch(readFileSync(join(home, '.wskprops'), 'utf8'), /nobody/);
  await wsk('property', 'set', '--auth', guestKey);
  assert.match(await wsk('namespace', 'list'), /^namespaces\nguest\n/);
  for (const args of [['list'], ['namespace', 'get', '--name-sort']]) {
    assert.match(await wsk(...args), /packages\nactions\ntriggers\nrules\n/);
  }
  works('property get', 'property set', 'property unset', 'namespace list', 'namespace get', 'list');
});

test('action create, update, get, list and delete', async () => {
  const flags = [
    '-p',
    'name',
    'Ann',
    '-P',
    'params.json',
    '-a',
    'color',
    'blue',
    '-A',
    'params.json',
    '-m',
    '128',
    '-t',
    '5000',
    '-l',
    '1',
    '-c',
    '1',
  ];
  await wsk('action', 'create', 'greet', 'greet.js', '--kind', 'nodejs:default', ...flags);
  assert.deepEqual(await pairs('action', 'get', 'greet', 'parameters'), { name: 'Ann', place: 'Oslo' });
  assert.deepEqual(await json('action', 'get', 'greet', 'limits'), { timeout: 5000, memory: 128, logs: 1, concurrency: 1 });
  const { color, place } = await pairs('action', 'get', 'greet', 'annotations');
  assert.deepEqual([color, place], ['blue', 'Oslo']);
  await refused(ends.conflict, /resource already exists/, 'action', 'create', 'greet', 'greet.js');
  await refused(ends.badUsage, /is not a valid file/, 'action', 'create', 'none', 'none.js');
  await refused(ends.notFound, /does not exist/, 'action', 'get', 'none');
  await wsk('action', 'create', 'start', 'start.js', '--main', 'start');
  await wsk('action', 'create', 'both', '--sequence', 'greet,start');
  await wsk('action', 'create', 'copy', '--copy', 'greet', '-p', 'more', '1');
  assert.deepEqual(await pairs('action', 'get', 'copy', 'parameters'), { name: 'Ann', place: 'Oslo', more: 1 });
  writeFileSync(join(home, 'zipped.zip'), Buffer.from(await zipOf({ 'index.js': 'exports.main = () => ({ zipped: true });' })));
  await wsk('action', 'create', 'zipped', 'zipped.zip', '--kind', 'nodejs:20');
  assert.deepEqual(await json('action', 'invoke', 'zipped', '-r'), { zipped: true });
  await wsk('action', 'get', 'zipped', '--save-as', 'saved.zip');
  assert.deepEqual(readFileSync(join(home, 'saved.zip')), readFileSync(join(home, 'zipped.zip')));
  await wsk('action', 'update', 'copy', '--del-annotation', 'color', '-p', 'name', 'Bob');
  assert.equal('color' in (await pairs('action', 'get', 'copy', 'annotations')), false);
  await wsk('action', 'get', 'copy', '--save');
  assert.equal(readFileSync(join(home, 'copy.js'), 'utf8'), sources['greet.js']);
  assert.match(await wsk('action', 'get', 'copy', '--summary'), /action \/guest\/copy/);
  assert.match(await wsk('action', 'get', 'copy', '--url'), /\/api\/v1\/namespaces\/guest\/actions\/copy/);
  assert.match(await wsk('action', 'list', '-n', '-s', '1', '-l', '1'), /^actions\n\/guest\/\w+ .*\n$/);
  assert.match(await wsk('action', 'list', '/whisk.system/utils'), /\/whisk.system\/utils\/echo/);
  for (const name of ['copy', 'zipped']) await wsk('action', 'delete', name);
  await refused(ends.notFound, /does not exist/, 'action', 'delete', 'copy');
  works('action update', 'action get', 'action list', 'action delete');
});

test('web actions', async () => {
  await wsk('action', 'create', 'web', 'web.js', '--web', 'true', '--web-secure', 'sesame');
  const url = /http\S+/.exec(await wsk('action', 'get', 'web', '--url'))?.[0] ?? '';
  const post = async (headers = {}) =>
    fetch(`${url}.http/x`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', ...headers } });
  assert.equal((await post()).status, 401);
  assert.deepEqual(await (await post({ 'x-require-whisk-auth': 'sesame' })).json(), { raw: 'undefined', path: '/x' });
  await wsk('action', 'update', 'web', '--web', 'raw', '--web-secure', 'false');
  assert.deepEqual(await (await post()).json(), { raw: 'string', path: '/x' });
  await wsk('action', 'update', 'web', '--web', 'no');
  assert.equal((await post()).status, 404);
});

test('action create with an image', async () => {
  await wsk('action', 'create', 'image', '--docker', 'some/image');
  await wsk('action', 'create', 'native', 'zipped.zip', '--native');
  for (const name of ['image', 'native']) {
    await refused(ends.failed, /Failed to pull container image/, 'action', 'invoke', name, '--result');
    await wsk('action', 'delete', name);
  }
  const how =
    'with `--docker` or `--native` the action is stored, but no images run here: its activations say that the image could not be pulled';
  ledger.differs('action create', how);
});

test('action invoke, and what activation shows of it', async () => {
  const greeting = { greeting: 'Hello, Zoe of Rome' };
  writeFileSync(join(home, 'rome.json'), '{ "place": "Rome" }');
  assert.deepEqual(await json('action', 'invoke', 'greet', '--result', '-p', 'name', 'Zoe', '-P', 'rome.json'), greeting);
  assert.deepEqual(await json('action', 'invoke', 'both', '-r', '-p', 'name', 'Zoe', '-P', 'rome.json'), greeting);
  const printed = await wsk('action', 'invoke', 'greet', '--blocking', '-p', 'name', 'Zoe', '-P', 'rome.json');
  const record = JSON.parse(printed.slice(printed.indexOf('{'))) as { activationId: string; response: object };
  assert.deepEqual(record.response, { result: greeting, size: 33, status: 'success', success: true });
  assert.match(await wsk('action', 'invoke', 'greet'), /^ok: invoked \/_\/greet with id [0-9a-f]{32}\n$/);
  await wsk('action', 'create', 'broken', 'broken.js');
  await refused(ends.failed, /"error": "broke"/, 'action', 'invoke', 'broken', '--result');
  await refused(ends.failed, /"status": "application error"/, 'action', 'invoke', 'broken', '--blocking');
  await refused(ends.notFound, /The requested resource does not exist/, 'action', 'invoke', 'none');
  works('action invoke');

  const id = record.activationId;
  await until('its logs are there', async () => (await run('activation', 'logs', id, '--strip')).stdout.includes('out'));
  assert.equal(await wsk('activation', 'logs', id, '--strip'), 'out\nerr\n');
  assert.match(await wsk('activation', 'logs', id), /^\d{4}-\S+Z\s+stdout: out\n\d{4}-\S+Z\s+stderr: err\n$/);
  assert.equal(await wsk('activation', 'get', id, '--logs'), 'out\nerr\n');
  assert.deepEqual(await json('activation', 'result', id), greeting);
  assert.deepEqual(((await json('activation', 'get', id, 'response')) as { result: object }).result, greeting);
  assert.match(await wsk('activation', 'get', id, '--summary'), /activation result for '\/guest\/greet' \(success at /);
  await until('the last one is the broken one', async () => (await run('activation', 'get', '--last', 'name')).stdout.includes('broken'));
  assert.deepEqual(await json('activation', 'result', '--last'), { error: 'broke' });
  await refused(ends.notFound, /does not exist|could not be found/, 'activation', 'get', '0'.repeat(32));
  works('activation get', 'activation logs', 'activation result');
});

test('activation list and poll', async () => {
  const rows = async (...args: string[]) => (await wsk('activation', 'list', ...args)).match(/^\d{4}-.* guest\/\S+$/gm) ?? [];
  await until('all are listed', async () => (await rows('greet')).length === 4);
  assert.equal((await rows('greet', '-l', '2')).length, 2);
  assert.equal((await rows('greet', '-s', '3')).length, 1);
  assert.deepEqual(await rows('--since', '1', '--upto', '2'), []);
  assert.match(await wsk('activation', 'list', 'greet', '-l', '1', '--full'), /"greeting": "Hello, /);
  await refused(ends.badRequest, /The value '201' is not in the range of 0 to 200 for activations/, 'activation', 'list', '-l', '201');
  assert.match(
    await wsk('activation', 'poll', '--exit', '1', '--since-minutes', '5'),
    /Activation: 'greet' \([0-9a-f]{32}\)\n\[\n\s+"\S+Z\s+stdout: out/,
  );
  works('activation list', 'activation poll');
});

test('package', async () => {
  await wsk('package', 'create', 'p', '-p', 'k', 'v', '-a', 'color', 'red', '--shared', 'yes');
  assert.match(await wsk('package', 'list'), /\/guest\/p +shared\n/);
  await wsk('package', 'update', 'p', '--shared', 'no', '-P', 'params.json');
  assert.match(await wsk('package', 'list', '-n', '-l', '1', '-s', '0'), /\/guest\/p +private\n/);
  assert.deepEqual(await pairs('package', 'get', 'p', 'parameters'), { place: 'Oslo' });
  assert.match(
    await wsk('package', 'get', '/whisk.system/utils', '--summary'),
    /action \/whisk.system\/utils\/split: .*\n +\(parameters: payload, separator\)/,
  );
  await wsk('package', 'bind', '/whisk.system/utils', 'tools', '-p', 'separator', ';');
  await refused(ends.conflict, /resource already exists/, 'package', 'bind', '/whisk.system/utils', 'tools');
  await wsk('package', 'bind', '/whisk.system/utils', 'tools', '-p', 'separator', '+', '--overwrite');
  assert.deepEqual(await json('action', 'invoke', 'tools/split', '-r', '-p', 'payload', 'a+b'), { lines: ['a', 'b'], payload: 'a+b' });
  await wsk('action', 'create', 'p/inner', 'start.js', '--main', 'start');
  assert.deepEqual(await json('action', 'invoke', 'p/inner', '-r'), { place: 'Oslo' });
  await refused(ends.conflict, /Package not empty \(contains 1 entity\)/, 'package', 'delete', 'p');
  await wsk('action', 'delete', 'p/inner');
  for (const name of ['p', 'tools']) await wsk('package', 'delete', name);
  await refused(ends.notFound, /The requested resource could not be found/, 'package', 'refresh');
  ledger.notOffered('package refresh', 'OpenWhisk has no such route either: both answer 404');
  works('package create', 'package update', 'package get', 'package list', 'package bind', 'package delete');
});

test('trigger and rule', async () => {
  await wsk('trigger', 'create', 't', '-p', 'name', 'Tim', '-a', 'color', 'red');
  await wsk('trigger', 'update', 't', '-P', 'params.json');
  assert.deepEqual(await pairs('trigger', 'get', 't', 'parameters'), { place: 'Oslo' });
  assert.match(await wsk('trigger', 'get', 't', '--summary'), /trigger \/guest\/t/);
  assert.match(await wsk('trigger', 'list', '-n', '-l', '1'), /\/guest\/t /);
  await wsk('rule', 'create', 'r', 't', 'broken');
  await wsk('rule', 'update', 'r', 't', 'start');
  assert.match(await wsk('rule', 'get', 'r', '--summary'), /rule \/guest\/r\n +\(status: active\)/);
  await wsk('rule', 'disable', 'r');
  assert.match(await wsk('rule', 'status', 'r'), /rule r is inactive/);
  assert.match(await wsk('rule', 'list', '-n'), /\/guest\/r +private +inactive/);
  await wsk('rule', 'enable', 'r');
  assert.match(await wsk('trigger', 'fire', 't', '-p', 'name', 'Una'), /^ok: triggered \/_\/t with id [0-9a-f]{32}/);
  await until('the rule has run its action', async () =>
    (await run('activation', 'list', 'start', '-l', '1', '--full')).stdout.includes('Una'),
  );
  await wsk('rule', 'delete', 'r', '--disable');
  await wsk('trigger', 'delete', 't');
  await refused(ends.notFound, /does not exist/, 'trigger', 'fire', 't');
  const feed = ['-F', 'date', '2100-01-01T00:00:00Z'];
  assert.match(
    await wsk('trigger', 'create', 'late', '--feed', '/whisk.system/alarms/once', ...feed, '-T', 'b', '1'),
    /ok: created trigger late/,
  );
  assert.match(await wsk('trigger', 'update', 'late', '-F', 'date', '2101-01-01T00:00:00Z'), /"status": "success"/);
  assert.match(await wsk('trigger', 'get', 'late'), /"date": "?\S*(2101-01-01|4133980800000)/);
  assert.match(await wsk('trigger', 'delete', 'late'), /ok: deleted trigger late/);
  works('trigger create', 'trigger update', 'trigger get', 'trigger list', 'trigger fire', 'trigger delete');
  works('rule create', 'rule update', 'rule get', 'rule status', 'rule list', 'rule enable', 'rule disable', 'rule delete');
});

test('api', async () => {
  await refused(1, /is not a web action/, 'api', 'create', '/club', '/books', 'get', 'start');
  await wsk('action', 'update', 'web', '--web', 'true');
  const made = await wsk('api', 'create', '/club', '/books/{isbn}', 'get', 'web', '--response-type', 'http', '--apiname', 'Club');
  const url = /http\S+\/apis\/guest\/club\/books\//.exec(made)?.[0] ?? '';
  assert.deepEqual(await (await fetch(`${url}7`)).json(), { raw: 'undefined', path: '/club/books/7' });
  await wsk('api', 'create', '/club', '/books', 'post', 'web');
  const listed = await wsk('api', 'list', '-n');
  for (const row of [/\/guest\/web +get +Club +http\S+\/books\/\{isbn\}\n/, /\/guest\/web +post +Club +http\S+\/books\n/])
    assert.match(listed, row);
  assert.match(await wsk('api', 'list', '/club', '/books', 'post', '--full'), /API Name: Club\n.*\n +Path: \/books\n +Verb: post/);
  assert.match(await wsk('api', 'get', 'Club', '--format', 'yaml'), /^basePath: \/club$/m);
  assert.match(await wsk('api', 'get', 'Club', '--full'), /"gwApiUrl": "http\S+\/apis\/guest\/club"/);
  writeFileSync(join(home, 'club.json'), await wsk('api', 'get', '/club'));
  await wsk('api', 'delete', '/club', '/books', 'post');
  await wsk('api', 'delete', 'Club');
  assert.equal((await fetch(`${url}7`)).status, 404);
  await wsk('api', 'create', '--config-file', 'club.json');
  assert.equal((await fetch(`${url}7`)).status, 200);
  await wsk('api', 'delete', '/club');
  works('api create', 'api list', 'api get', 'api delete');
});

test('project', async () => {
  const manifest = ['--manifest', 'manifest.yaml'];
  await wsk('project', 'deploy', ...manifest);
  assert.deepEqual(await json('action', 'invoke', 'shopping/greet', '-r'), { greeting: 'Hello, Ann of Paris' });
  await wsk('project', 'undeploy', ...manifest);
  assert.doesNotMatch(await wsk('list'), /shopping|ordered/);
  await wsk('project', 'sync', ...manifest);
  await wsk('project', 'export', '--manifest', 'out/manifest.yaml', '--projectname', 'shop');
  assert.match(readFileSync(join(home, 'out/manifest.yaml'), 'utf8'), /ordered-greets:/);
  assert.ok(existsSync(join(home, 'out/shopping/greet.js')));
  await wsk('project', 'undeploy', '--projectname', 'shop');
  assert.doesNotMatch(await wsk('list'), /shopping|ordered/);
  works('project deploy', 'project undeploy', 'project sync', 'project export');
});

test('sdk install, help', async () => {
  assert.match(await wsk('sdk', 'install', 'bashauto', '--stdout'), /bash completion for wsk/);
  await refused(1, /SDK installation failed/, 'sdk', 'install', 'docker');
  ledger.differs('sdk install', '`bashauto` works; there is no `docker`, since no images run here, and no `ios`');
  assert.match(await wsk('help'), /Usage:/);
  works('help');
});

test('every command that its help lists was driven, and every answer was as the document describes it', async () => {
  assert.deepEqual(ledger.missing(await commandsOf(run)), []);
  assert.deepEqual(await world.departures(), []);
  ledger.save();
});
