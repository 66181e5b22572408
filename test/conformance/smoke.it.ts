/** Unmodified tools of others that deploy to OpenWhisk, each through its way of work, against the router of a world. */
import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ask, deploy, invoke } from '../support/client.js';
import { Ledger } from '../support/compatibility.js';
import { clientFolder, clientVersion, flagsOf, requireClient, runScript, type Ended } from '../support/foreign.js';
import { projectRoot } from '../support/project.js';
import { lifecycles } from '../support/serverless-host.js';
import { startTlsFront, type TlsFront } from '../support/tls-front.js';
import { guestKey, startWorld, type World } from '../support/world.js';

let world: World;
let home: string;

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'isochrone-smoke-'));
  world = await startWorld({ regions: ['us-east-1'], watched: true });
});
after(async () => {
  await world?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** A folder below the home of this test, with files. */
function folderOf(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(home, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

interface Described {
  readonly exec: { readonly kind: string; readonly code?: string };
  readonly publish: boolean;
  readonly limits: Readonly<Record<string, number>>;
  readonly annotations: readonly { readonly key: string; readonly value: unknown }[];
  readonly parameters: readonly { readonly key: string; readonly value: unknown }[];
}

/** An entity as the API shows it. */
const entity = async (path: string): Promise<Described> => (await ask(world.url, 'GET', `/api/v1/namespaces/_/${path}`)).json<Described>();
const statusOf = async (path: string): Promise<number> => (await ask(world.url, 'GET', `/api/v1/namespaces/_/${path}`)).status;
const pairs = (list: Described['annotations']): Record<string, unknown> => Object.fromEntries(list.map(({ key, value }) => [key, value]));

describe('serverless-openwhisk', () => {
  const ledger = new Ledger(
    'serverless-openwhisk',
    clientVersion('serverless-openwhisk'),
    'The whole plugin with every hook, in a host that does for it what the Serverless Framework would, because the framework itself wants an account.',
  );
  let service: string;
  // It takes the API's host without a scheme, and HTTPS for granted.
  let front: TlsFront;
  let host: string;

  before(async () => {
    front = await startTlsFront(world.url);
    host = new URL(front.url).host;
    const hello = "exports.main = (args) => { console.log('said hello'); return { hello: args.name || args.greeted }; };";
    const page = 'exports.main = () => ({ page: 1 });';
    const described = {
      service: 'shop',
      provider: { name: 'openwhisk', runtime: 'nodejs', ignore_certs: true },
      functions: {
        hello: {
          handler: 'hello.main',
          memory: 128,
          timeout: 30,
          parameters: { greeted: 'you' },
          annotations: { note: 'mine' },
          events: [{ trigger: 'bought' }, { schedule: 'cron(0 0 1 1 *)' }],
        },
        packed: { handler: 'hello.main', name: 'stock/packed', runtime: 'nodejs:22' },
        page: { handler: 'page.main', events: [{ http: 'GET /page' }] },
        both: { sequence: ['packed', 'hello'] },
      },
      resources: { apigw: { name: 'shop', basepath: '/shop' }, packages: { stock: { parameters: { greeted: 'all' } } } },
    };
    service = folderOf('service', { 'serverless.json': JSON.stringify(described), 'hello.js': hello, 'page.js': page });
  });

  after(() => front.stop());

  const env = (): Record<string, string> => ({ HOME: home, OW_APIHOST: host, OW_AUTH: guestKey, OW_NAMESPACE: 'guest' });
  async function serverless(command: string, options: object = {}, more?: Record<string, string>): Promise<string> {
    const script = join(projectRoot, 'dist/test/support/serverless-host.js');
    const { code, stdout, stderr } = await runScript(script, [command, JSON.stringify(options)], { cwd: service, env: more ?? env() });
    assert.equal(code, 0, `${command}: ${stderr}${stdout}`);
    return stdout;
  }

  test('deploys functions, packages, sequences, triggers, schedules, rules and routes', async () => {
    assert.match(await serverless('deploy', { verbose: true }), /Deployment successful!/);
    const hello = await entity('actions/shop-dev-hello');
    assert.deepEqual([hello.limits['memory'], hello.limits['timeout']], [128, 30_000]);
    assert.equal(pairs(hello.annotations)['note'], 'mine');
    assert.deepEqual(hello.parameters, [{ key: 'greeted', value: 'you' }]);
    assert.equal((await entity('actions/stock/packed')).exec.kind, 'nodejs:22');
    assert.equal((await entity('actions/shop-dev-both')).exec.kind, 'sequence');
    for (const path of ['triggers/bought', 'rules/shop_bought_to_hello', 'triggers/shop_hello_schedule_trigger'])
      assert.equal(await statusOf(path), 200, path);
    ledger.works('deploy');
  });

  test('tells of what it deployed, whose route answers', async () => {
    const told = await serverless('info');
    for (const name of ['shop-dev-hello', 'stock/packed', 'shop-dev-both', 'bought', 'shop_bought_to_hello'])
      assert.ok(told.includes(name), name);
    const route = /GET https?:\/\/[^/]+(\S+\/shop\/page) --> shop-dev-page/.exec(told)?.[1];
    assert.ok(route, told);
    assert.deepEqual(await (await fetch(world.url + route)).json(), { page: 1 });
    ledger.works('info');
  });

  test('invokes, at the platform and locally, and asks for logs', async () => {
    assert.match(await serverless('invoke', { function: 'hello', data: '{"name":"me"}' }), /"hello": "me"/);
    assert.match(await serverless('invoke', { function: 'both', data: '{}', log: 'response' }), /"hello": "you"[^]*"success": true/);
    assert.match(await serverless('invoke', { function: 'hello', data: '{}', type: 'nonblocking' }), /"activationId": "[0-9a-f]{32}"/);
    ledger.works('invoke');
    assert.match(await serverless('invoke local', { function: 'hello', data: '{"name":"here"}' }), /"hello": "here"/);
    ledger.works('invoke local');
    await assert.rejects(serverless('logs', { function: 'hello' }), /'100' is not in the range of 0 to 50 for activations/);
    ledger.differs(
      'logs',
      'it asks for 100 records at once: refused where at most 50 are listed, as under the standard limits and at Adobe; OpenWhisk lists 200',
    );
  });

  test('deploys one function', async () => {
    const before = await entity('actions/shop-dev-page');
    await serverless('deploy function', { function: 'page' });
    assert.notDeepEqual(await entity('actions/shop-dev-page'), before);
    ledger.works('deploy function');
  });

  test('stores credentials, which it then uses', async () => {
    await serverless('config credentials', { provider: 'openwhisk', apihost: host, auth: guestKey }, { HOME: service });
    assert.match(await serverless('info', {}, { HOME: service }), /shop-dev-hello/);
    ledger.works('config credentials');
  });

  test('removes all of it', async () => {
    assert.match(await serverless('remove'), /Resource removal successful!/);
    for (const path of [
      'actions/shop-dev-hello',
      'actions/shop-dev-both',
      'packages/stock',
      'triggers/bought',
      'rules/shop_bought_to_hello',
    ])
      assert.equal(await statusOf(path), 404, path);
    ledger.works('remove');
    assert.deepEqual(ledger.missing(Object.keys(lifecycles)), []);
    ledger.save();
  });
});

describe('helix-deploy', () => {
  const ledger = new Ledger(
    '@adobe/helix-deploy',
    clientVersion('@adobe/helix-deploy'),
    'hedy as a program: it builds a small project, deploys it to the OpenWhisk target, calls it, links versions and deletes it.',
  );
  let project: string;

  before(() => {
    const main = `import { Response } from '@adobe/fetch';
      export async function main(request, { env }) {
        return new Response(JSON.stringify({ name: new URL(request.url).searchParams.get('name'), who: env.WHO, from: env.FROM, pkg: env.PKG }), { headers: { 'content-type': 'application/json' } });
      }`;
    // What it bundles by itself has entries for other platforms only.
    const adapter = `import { adapter } from '@adobe/helix-universal'; export const main = adapter.openwhisk; export const { lambda } = adapter; export default { lambda };`;
    const manifest = JSON.stringify({ name: 'greeter', version: '0.0.1', description: 'greets', type: 'module' });
    project = folderOf('project', {
      'package.json': manifest,
      'source/main.js': main,
      'adapter.js': adapter,
      'data.txt': 'data',
      'params.json': '{"FROM":"file"}',
      'package-params.json': '{"PKG":"file"}',
    });
    symlinkSync(join(projectRoot, 'test/conformance/clients/node_modules'), join(project, 'node_modules'));
  });

  const hedy = (...args: string[]): Promise<Ended> =>
    runScript(join(clientFolder('@adobe/helix-deploy'), 'src/index.js'), args, {
      cwd: project,
      env: { HOME: home, WSK_APIHOST: world.url, WSK_AUTH: guestKey, WSK_NAMESPACE: 'guest', HELIX_FETCH_FORCE_HTTP1: 'true' },
    });
  async function must(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await hedy('--target', 'wsk', '--name', 'tools/greeter@${version}', '--pkgVersion', '1.2.3', ...args);
    assert.equal(code, 0, `${stderr}${stdout}`);
    return `${stderr}${stdout}`;
  }
  const works = (...flags: string[]): void => flags.forEach((flag) => ledger.works(`hedy --${flag}`));
  const web = (name: string, headers = {}): Promise<Response> =>
    fetch(`${world.url}/api/v1/web/guest/tools/greeter@${name}?name=q`, { headers });
  const built = ['--adapterFile', 'adapter.js', '--entryFile', 'source/main.js', '--dist-directory', 'out'];

  test('builds and deploys with parameters, limits and notes, and calls what it deployed', async () => {
    const bundled = [
      ...built,
      '--build',
      '--static',
      'data.txt',
      '--minify',
      '--esm',
      '--verbose',
      '--directory',
      '.',
      '--node-version',
      '22',
    ];
    const params = ['--params', 'WHO=me', '--params-file', 'params.json', '--updated-by', 'tester', '--updated-at', '1700000000000'];
    const limits = ['--timeout', '30000', '--memory', '512', '--concurrency', '5'];
    const pack = ['--update-package', '--package.params', 'X=1', '--package.params-file', 'package-params.json', '--package.shared'];
    const tried = ['--test', '?name=x', '--test-bundle', '?name=b', '--test-headers', 'X-A=1', '--namespace', 'guest', '--no-hints'];
    const told = await must(...bundled, ...params, ...limits, ...pack, ...tried, '--deploy');
    assert.match(told, /"name":"x","who":"me","from":"file","pkg":"file"/);
    assert.doesNotMatch(told, /You can verify/);
    const action = await entity('actions/tools/greeter@1.2.3');
    assert.equal(action.exec.kind, 'nodejs:22');
    assert.deepEqual([action.limits['timeout'], action.limits['memory'], action.limits['concurrency']], [30_000, 512, 5]);
    const notes = pairs(action.annotations);
    assert.deepEqual([notes['updatedBy'], notes['updated'], notes['pkgVersion']], ['tester', 1_700_000_000_000, '1.2.3']);
    const { publish, parameters } = await entity('packages/tools');
    assert.deepEqual([publish, pairs(parameters)], [true, { X: '1', PKG: 'file' }]);
    works('build', 'static', 'minify', 'esm', 'verbose', 'directory', 'node-version', 'adapterFile', 'entryFile', 'dist-directory');
    works('params', 'params-file', 'updated-by', 'updated-at', 'timeout', 'memory', 'concurrency');
    works('update-package', 'package.params', 'package.params-file', 'package.shared');
    works('test', 'test-bundle', 'test-headers', 'namespace', 'hints', 'deploy', 'target', 'name', 'pkgVersion');
  });

  test('links versions, in a package of their own too', async () => {
    await must(...built, '--no-build', '--version-link', 'major', '--version-link', 'minor', '--version-link', 'latest');
    for (const name of ['v1', 'v1.2', 'latest']) assert.equal(((await (await web(name)).json()) as { name: string }).name, 'q', name);
    await must(...built, '--no-build', '--version-link', 'major', '--linkPackage', 'tools');
    works('version-link', 'linkPackage');
  });

  test('deploys what was built before, for callers with a secret only', async () => {
    await must(...built, '--no-build', '--deploy', '--web-secure', 'secret', '--package.name', 'tools');
    assert.equal((await web('1.2.3')).status, 401);
    assert.equal((await web('1.2.3', { 'x-require-whisk-auth': 'secret' })).status, 200);
    works('web-secure', 'package.name');
  });

  test('deletes', async () => {
    await must('--delete');
    assert.equal(await statusOf('actions/tools/greeter@1.2.3'), 404);
    works('delete');
  });

  test('all that it lists is accounted for', async () => {
    assert.equal((await hedy('--version')).code, 0);
    const listed = flagsOf((await hedy('--help')).stdout);
    works('version', 'help');
    const elsewhere: Readonly<Record<string, RegExp>> = {
      'it concerns another platform': /^--(aws|google|edge|serverless-ext|package-token|arch|format)/,
      'the OpenWhisk target of hedy does not clean up, at OpenWhisk neither': /^--cleanup/,
      'it concerns the build alone and was not driven': /^--(plugin|externals|modules|bundler|property|test-params|test-url)/,
    };
    for (const [why, which] of Object.entries(elsewhere))
      for (const flag of listed.filter((each) => which.test(each))) ledger.notOffered(`hedy ${flag}`, why);
    assert.deepEqual(ledger.missing(listed.map((flag) => `hedy ${flag}`)), []);
    ledger.save();
  });
});

describe('wskdebug', () => {
  interface Agents {
    peekAction(): Promise<object>;
    readActionWithCode(): Promise<object>;
    installAgent(invoker: object, log: (line: string) => void): Promise<void>;
    waitForActivations(): Promise<Record<string, unknown> & { $activationId: string }>;
    completeActivation(id: string, result: object, durationMs: number): Promise<boolean>;
    stop(): void;
    shutdown(): Promise<void>;
  }
  const ledger = new Ledger(
    '@openwhisk/wskdebug',
    clientVersion('@openwhisk/wskdebug'),
    'Its container needs Docker, which a test run has not; so its own agent manager, which does all that concerns OpenWhisk, is driven with each agent.',
  );
  const AgentManager = requireClient('@openwhisk/wskdebug/src/agentmgr.js') as new (argv: object, client: object, name: string) => Agents;
  const connect = requireClient('openwhisk') as (options: object) => object;
  const script = join(clientFolder('@openwhisk/wskdebug'), 'wskdebug.js');
  const none = { DOCKER_HOST: 'tcp://127.0.0.1:1' };

  for (const [agent, disableConcurrency] of [
    ['concurrency', false],
    ['activation records', true],
  ] as const) {
    test(`an action goes on at the debugger’s, and is itself afterwards (agent by ${agent})`, async () => {
      const name = disableConcurrency ? 'debugged-by-records' : 'debugged';
      await deploy(world.url, name, 'function main({ n }) { return { original: n }; }');
      const agents = new AgentManager(
        { condition: 'debug === true', cleanup: true, disableConcurrency },
        connect({ apihost: world.url, api_key: guestKey, namespace: 'guest' }),
        name,
      );
      await agents.peekAction();
      await agents.readActionWithCode();
      await agents.installAgent({}, () => {});
      try {
        assert.deepEqual((await invoke(world.url, name, { n: 1 })).json(), { original: 1 });
        const waiting = agents.waitForActivations();
        const called = invoke(world.url, name, { n: 2, debug: true });
        const { $activationId, ...params } = await waiting;
        assert.equal(params['n'], 2);
        await agents.completeActivation($activationId, { debugged: params['n'] }, 1);
        assert.equal((await called).json<{ debugged: number }>().debugged, 2);
      } finally {
        agents.stop();
        await agents.shutdown();
      }
      assert.deepEqual((await invoke(world.url, name, { n: 3 })).json(), { original: 3 });
      assert.equal(await statusOf(`actions/${name}_wskdebug_original`), 404);
      for (const what of ['agent installed, activation handed over, action restored', '--condition', '--cleanup']) ledger.works(what);
    });
  }

  test('finds the action, and says what it lacks', async () => {
    await deploy(world.url, 'unattended', 'function main() { return {}; }');
    const env = { HOME: home, OW_APIHOST: world.url, OW_AUTH: guestKey, ...none };
    const told = await runScript(script, ['unattended', '-v'], { cwd: home, env });
    assert.notEqual(told.code, 0);
    assert.match(`${told.stdout}${told.stderr}`, /Docker/i);
    assert.match(`${told.stdout}${told.stderr}`, /\/guest\/unattended/);
  });

  test('all that it lists is accounted for', async () => {
    assert.equal((await runScript(script, ['--version'])).stdout.trim(), clientVersion('@openwhisk/wskdebug'));
    const { stdout } = await runScript(script, ['--help']);
    ledger.works('--version');
    ledger.works('--help');
    const listed = flagsOf(stdout);
    for (const flag of ledger.missing(listed)) ledger.notOffered(flag, 'not driven: it comes into play once its Docker container runs');
    assert.ok(listed.length > 20);
    ledger.save();
  });
});

test('every answer was as the document describes it', async () => assert.deepEqual(await world.departures(), []));
