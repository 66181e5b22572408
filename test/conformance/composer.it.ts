/** The unmodified openwhisk-composer against the router of a world: its two commands with all their flags, its library, and every combinator that it has. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deploy as put } from '../support/client.js';
import { Ledger } from '../support/compatibility.js';
import { compositionsOf, increment, overRedis, type Composer } from '../support/compositions.js';
import { clientFolder, clientVersion, flagsOf, requireClient, runScript, type Ended } from '../support/foreign.js';
import { startRedis, type Redis } from '../support/redis.js';
import { startTlsFront } from '../support/tls-front.js';
import { guestKey, startWorld, until, type World } from '../support/world.js';

interface Client {
  readonly compositions: { deploy(composition: object, overwrite?: boolean): Promise<{ name: string }[]> };
  readonly actions: {
    get(options: object): Promise<Deployed>;
    create(options: object): Promise<unknown>;
    update(options: object): Promise<unknown>;
    invoke(options: object): Promise<Record<string, unknown>>;
  };
  readonly activations: { get(options: object): Promise<{ response: { result: unknown } }> };
}

interface Deployed {
  readonly annotations: readonly { key: string; value: unknown }[];
  readonly exec: { kind: string; code: string };
  readonly limits: Readonly<Record<string, number>>;
}

interface Conductor {
  generate(composition: object): { action: { exec: { kind: string; code: string }; annotations: object[]; limits: object } };
}

const composer = requireClient('openwhisk-composer') as Composer;
const connect = requireClient('openwhisk-composer/client') as (options: object) => Client;
const conductor = requireClient('openwhisk-composer/conductor') as Conductor;
const bin = join(clientFolder('openwhisk-composer'), 'bin');
const demo = join(clientFolder('openwhisk-composer'), 'samples/demo.js');
const ledger = new Ledger(
  'openwhisk-composer',
  clientVersion('openwhisk-composer'),
  'Its commands run as programs, its library and combinators in a process of its users; parallel ones over a Redis server that egress allows.',
);
const listed: string[] = [];

let world: World;
let redis: Redis;
let client: Client;
let home: string;

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'isochrone-composer-'));
  redis = await startRedis();
  world = await startWorld({ regions: ['us-east-1'], env: { ISOCHRONE_EGRESS_ALLOW: redis.address }, watched: true });
  client = connect({ apihost: world.url, api_key: guestKey });
  await put(world.url, 'increment', increment);
});
after(async () => {
  await world?.stop();
  await redis?.stop();
  rmSync(home, { recursive: true, force: true });
});

const run = (command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  runScript(join(bin, `${command}.js`), args, { cwd: home, env: { HOME: home, ...env } });

/** Runs a command that must succeed. */
async function must(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, env);
  assert.equal(code, 0, `${command} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

const invoke = (name: string, params: object): Promise<Record<string, unknown>> =>
  client.actions.invoke({ name, params, blocking: true, result: true });

describe('compose', () => {
  test('says what it can do, and its version', async () => {
    const { code, stderr } = await run('compose', []);
    assert.equal(code, 1);
    listed.push('compose', ...flagsOf(stderr).map((flag) => `compose ${flag}`));
    assert.equal(await must('compose', ['--version']), `${clientVersion('openwhisk-composer')}\n`);
    ledger.works('compose --version');
  });

  test('compiles to standard output, to files, to the tree alone and to code', async () => {
    const compiled = await must('compose', [demo]);
    ledger.works('compose');
    await must('compose', [demo, '-o', 'demo.json']);
    assert.equal(readFileSync(join(home, 'demo.json'), 'utf8'), compiled);
    ledger.works('compose -o');
    assert.deepEqual(JSON.parse(await must('compose', ['--ast', demo])), (JSON.parse(compiled) as { ast: object }).ast);
    ledger.works('compose --ast');
    writeFileSync(join(home, 'beside.js'), "module.exports = require('openwhisk-composer').action('increment');");
    await must('compose', ['--file', 'beside.js']);
    assert.match(readFileSync(join(home, 'beside.json'), 'utf8'), /"composition"/);
    ledger.works('compose --file');
  });

  test('code that it prints is an action', async () => {
    const code = await must('compose', ['--js', '--debug', 'needle<{"open_timeout":5000}>', 'beside.js']);
    const annotations = { conductor: true, 'provide-api-key': true };
    await client.actions.update({ name: 'printed', action: code, kind: 'nodejs:default', annotations });
    assert.deepEqual(await invoke('printed', { n: 1 }), { n: 2 });
    ledger.works('compose --js');
    ledger.works('compose --debug');
  });
});

describe('deploy', () => {
  const here = (): Record<string, string> => ({ __OW_API_HOST: world.url, __OW_API_KEY: guestKey });

  test('says what it can do, and its version', async () => {
    const { code, stderr } = await run('deploy', []);
    assert.equal(code, 1);
    listed.push('deploy', ...flagsOf(stderr).map((flag) => `deploy ${flag}`));
    assert.equal(await must('deploy', ['-v']), `${clientVersion('openwhisk-composer')}\n`);
    ledger.works('deploy --version');
  });

  test('deploys a composition with its actions, which runs', async () => {
    assert.equal(
      await must('deploy', ['demo', 'demo.json'], here()),
      'ok: created actions /_/authenticate,/_/success,/_/failure,/_/demo\n',
    );
    assert.deepEqual(await invoke('demo', { password: 'abc123' }), { message: 'success' });
    assert.deepEqual(await invoke('demo', { password: 'else' }), { message: 'failure' });
    const { annotations, exec, limits } = await client.actions.get({ name: 'demo' });
    assert.ok(annotations.some(({ key, value }) => key === 'conductor' && typeof value === 'object'));
    assert.match(exec.kind, /^nodejs:\d+$/);
    assert.deepEqual([limits['timeout'], limits['memory'], limits['logs']], [60_000, 256, 10]);
    ledger.works('deploy');
  });

  test('refuses to deploy again, unless it may overwrite', async () => {
    const { code, stderr } = await run('deploy', ['demo', 'demo.json'], here());
    assert.equal(code, 409 - 256, stderr);
    await must('deploy', ['demo', 'demo.json', '-w'], here());
    ledger.works('deploy --overwrite');
  });

  test('host, key and version of the API from arguments', async () => {
    await must('deploy', ['demo', 'demo.json', '-w', '--apihost', world.url, '-u', guestKey, '--apiversion', 'v1']);
    for (const flag of ['--apihost', '--auth', '--apiversion']) ledger.works(`deploy ${flag}`);
  });

  test('host and key from the property file', async () => {
    writeFileSync(join(home, '.wskprops'), `APIHOST=${world.url}\nAUTH=${guestKey}\n`);
    await must('deploy', ['demo', 'demo.json', '-w']);
    rmSync(join(home, '.wskprops'));
  });

  test('annotations, kind and limits', async () => {
    writeFileSync(join(home, 'note.txt'), 'from a file');
    const notes = ['-a', 'flag=true', '-a', 'word=Some', '-A', 'file=note.txt'];
    const limits = ['--kind', 'nodejs:22', '-t', '30000', '-m', '128', '-l', '5'];
    await must('deploy', ['limited', 'beside.json', ...notes, ...limits], here());
    const action = await client.actions.get({ name: 'limited' });
    const noted = Object.fromEntries(action.annotations.map(({ key, value }) => [key, value]));
    assert.deepEqual([noted['flag'], noted['word'], noted['file']], ['true', 'Some', 'from a file']);
    assert.equal(action.exec.kind, 'nodejs:22');
    assert.deepEqual([action.limits['timeout'], action.limits['memory'], action.limits['logs']], [30_000, 128, 5]);
    assert.deepEqual(await invoke('limited', { n: 1 }), { n: 2 });
    for (const flag of ['annotation', 'annotation-file', 'kind', 'timeout', 'memory', 'logsize']) ledger.works(`deploy --${flag}`);
  });

  test('flags for debugging reach the conductor', async () => {
    await must('deploy', ['debugged', 'beside.json', '--debug', 'needle<{"open_timeout":5000}>'], here());
    assert.match((await client.actions.get({ name: 'debugged' })).exec.code, /^process\.env\.DEBUG='needle<\{"open_timeout":5000\}>'/);
    assert.deepEqual(await invoke('debugged', { n: 1 }), { n: 2 });
    ledger.works('deploy --debug');
  });

  test('with a namespace: basic where asked, else a bearer token, which nothing here gives out', async () => {
    const named = { ...here(), __OW_NAMESPACE: 'guest', __OW_APIGW_TOKEN: 'token' };
    await must('deploy', ['demo', 'demo.json', '-w', '--basic'], named);
    ledger.works('deploy --basic');
    for (const args of [[], ['--bearer']]) {
      const { code, stderr } = await run('deploy', ['demo', 'demo.json', ...args], named);
      assert.equal(code, 401 - 256, stderr);
    }
    ledger.notOffered('deploy --bearer', 'the API takes keys, as OpenWhisk does without a provider of tokens: 401');
  });

  test('a certificate that nobody trusts is accepted where asked', async () => {
    const front = await startTlsFront(world.url);
    try {
      const where = { ...here(), __OW_API_HOST: front.url };
      const refused = await run('deploy', ['demo', 'demo.json', '-w'], where);
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, /certificate/);
      await must('deploy', ['demo', 'demo.json', '-w', '--insecure'], where);
      ledger.works('deploy --insecure');
    } finally {
      front.stop();
    }
  });
});

describe('combinators', { concurrency: 4 }, () => {
  const all = compositionsOf(composer);
  listed.push('compositions.deploy');
  for (const [name, value] of Object.entries(composer)) if (typeof value === 'function') listed.push(`composer.${name}`);

  for (const [name, { composition, params, result }] of Object.entries(all)) {
    if (overRedis.has(name)) continue;
    test(name, async () => {
      await client.compositions.deploy({ name: `c-${name}`, ...composition.compile() }, true);
      assert.deepEqual(await invoke(`c-${name}`, params), result);
      ledger.works('compositions.deploy');
      ledger.works(`composer.${name}`);
    });
  }

  test('async', async () => {
    await client.compositions.deploy({ name: 'c-async', ...composer['async']?.('increment').compile() }, true);
    const told = await invoke('c-async', { n: 1 });
    const name = String(told['activationId']);
    await until('the other activation has its record', () =>
      client.activations.get({ name }).then(
        () => true,
        () => false,
      ),
    );
    assert.deepEqual((await client.activations.get({ name })).response.result, { n: 2 });
    ledger.works('composer.async');
  });

  for (const name of overRedis) {
    test(name, async () => {
      const { composition, params, result } = all[name] ?? assert.fail(name);
      await deployParallel(`c-${name}`, composition.compile());
      assert.deepEqual(await invoke(`c-${name}`, { ...params, $composer: { redis: { uri: redis.uri } } }), result);
      const alone =
        'where actions take more than one activation at once, it needs `concurrency` 1, else its branches wait for its connection';
      ledger.differs(`composer.${name}`, alone);
    });
  }

  /** Deploys a composition whose branches run in containers of their own. */
  async function deployParallel(name: string, composition: object): Promise<void> {
    const { exec, annotations, limits } = conductor.generate({ name, ...composition }).action;
    const action = { exec, annotations, limits: { ...limits, concurrency: 1 } };
    await client.actions.update({ name, action });
  }
});

describe('all in all', () => {
  test('nothing that openwhisk-composer lists is missing', () => {
    assert.deepEqual(ledger.missing(listed), []);
    ledger.save();
  });

  test('every answer was as the document describes it', async () => assert.deepEqual(await world.departures(), []));
});
