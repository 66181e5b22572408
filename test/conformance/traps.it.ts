/** What the real clients of Adobe I/O Runtime trip over, one test a trap; T-15 (limits over controllers) is test/integration/throttles.it.ts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { aio, type AioOptions } from '../support/aio-command.js';
import { actionPath, ask, deploy, invoke } from '../support/client.js';
import { ControllerRig, wellKnown } from '../support/controller-rig.js';
import { audience, forgedTokens, Issuer } from '../support/issuer.js';
import { projectRoot } from '../support/project.js';
import { startWorld, until, type World } from '../support/world.js';

const hello = 'function main(args) { return { body: { hello: args.name || "world" } }; }';
const exported = { key: 'web-export', value: true };
const protectedBy = [exported, { key: 'require-adobe-auth', value: true }];
const regions = ['us-east-1', 'eu-west-1'] as const;
const stateEndpoint = 'http://127.0.0.1:9/state';

let world: World;
let issuer: Issuer;
let home: string;
let byKey: AioOptions;

before(async () => {
  issuer = await Issuer.start();
  home = mkdtempSync(join(tmpdir(), 'isochrone-traps-'));
  writeFileSync(join(home, 'hello.js'), hello);
  world = await startWorld({
    regions,
    env: {
      ISOCHRONE_OIDC_ISSUER: issuer.url,
      ISOCHRONE_OIDC_AUDIENCE: audience,
      ISOCHRONE_STATE_ENDPOINT: stateEndpoint,
      ISOCHRONE_DOMAIN: 'example.net',
      ISOCHRONE_DOMAIN_REDIRECT: 'on',
    },
  });
  byKey = { url: world.url, home };
});
after(async () => {
  await world?.stop();
  await issuer?.stop();
  rmSync(home, { recursive: true, force: true });
});

const bearer = (token: string, namespace?: string) => ({
  key: null,
  headers: { authorization: `Bearer ${token}`, ...(namespace === undefined ? {} : { 'x-namespace-id': namespace }) },
});
const web = (name: string, headers: Readonly<Record<string, string>> = {}) =>
  ask(world.url, 'GET', `/api/v1/web/guest/${name}`, { key: null, headers });

test('T-1: require-adobe-auth is enforced here, for bearers of a good token of the issuer alone', async () => {
  await deploy(world.url, 'guarded', hello, { annotations: protectedBy });
  const good = await issuer.token();
  assert.equal((await web('default/guarded', { authorization: `Bearer ${good}` })).status, 200);
  assert.equal((await ask(world.url, 'GET', '/runtime/api/v1/web/guest/default/guarded', bearer(good))).status, 200);
  const stranger = await Issuer.start();
  const bad = [
    await issuer.token({ expiresIn: -60 }),
    await issuer.token({ audience: 'other' }),
    await stranger.token({ issuer: issuer.url }),
    ...(await forgedTokens(issuer)),
  ];
  await stranger.stop();
  for (const token of bad) assert.equal((await web('default/guarded', { authorization: `Bearer ${token}` })).status, 401, token);
  for (const reply of [await web('default/guarded'), await ask(world.url, 'GET', '/api/v1/web/guest/default/guarded')]) {
    assert.equal(reply.status, 401);
    assert.equal(reply.json()['error'], 'Authentication is possible but has failed or not yet been provided.');
  }
});

test('T-1: where aio puts a validator in front by itself, that is enforced too, and the action behind it is not exported', async () => {
  const manifest = `packages:
  traps:
    actions:
      secret:
        function: hello.js
        runtime: nodejs:20
        web: 'yes'
        annotations:
          require-adobe-auth: true
`;
  writeFileSync(join(home, 'manifest.yml'), manifest);
  await aio(byKey, 'runtime:deploy');
  const { exec } = (await ask(world.url, 'GET', actionPath('traps/secret'))).json<{ exec: { components: string[] } }>();
  assert.deepEqual(exec.components, ['/adobeio/shared-validators-v1/headless-v2', '/guest/traps/__secured_secret']);
  const refused = await web('traps/secret');
  assert.deepEqual([refused.status, refused.json()['error']], [401, 'Authentication is possible but has failed or not yet been provided.']);
  assert.equal((await web('traps/secret', { authorization: 'Bearer a.b.c' })).status, 401);
  assert.deepEqual((await web('traps/secret', { authorization: `Bearer ${await issuer.token()}` })).json(), { hello: 'world' });
  assert.equal((await web('traps/__secured_secret')).status, 404);
  assert.equal((await invoke(world.url, 'traps/secret', { __ow_headers: { authorization: 'Bearer x' } })).status, 502);
});

test('T-1: where no issuer is configured, what asks for a token cannot be deployed', async () => {
  const rig = await ControllerRig.start('seed');
  try {
    const put = (exec: object, annotations: readonly object[]) =>
      ask(rig.base, 'PUT', actionPath('guarded'), { key: wellKnown.guest, body: { exec, annotations } });
    const components = ['/adobeio/shared-validators-v1/app-registry', '/_/hello'];
    for (const reply of [
      await put({ kind: 'nodejs:20', code: hello }, protectedBy),
      await put({ kind: 'sequence', components }, [exported]),
    ]) {
      assert.equal(reply.status, 400);
      assert.match(String(reply.json()['error']), /no issuer of tokens is configured/);
    }
    const token = await ask(rig.base, 'GET', '/api/v1/namespaces', bearer(await issuer.token(), 'guest'));
    assert.deepEqual(
      [token.status, token.json()['error']],
      [401, 'The resource requires authentication, which was not supplied with the request'],
    );
  } finally {
    await rig.stop();
  }
});

test('T-2: a blocking call that outlasts its wait ends with 504 and its id; the profile of Adobe and a namespace may have 202', async () => {
  await deploy(world.url, 'slow', 'function main() { return new Promise((resolve) => setTimeout(resolve, 2000, { done: true })); }');
  const late = await ask(world.url, 'POST', `${actionPath('slow')}?blocking=true&timeout=100`, { body: {} });
  assert.equal(late.status, 504);
  assert.match(String(late.json()['activationId']), /^[0-9a-f]{32}$/);
});

test('T-3: aio lists APIs though it asks for a path called undefined', async () => {
  await deploy(world.url, 'api', hello, { annotations: [exported] });
  await aio(byKey, 'runtime:api:create', '/traps', '/hello', 'get', 'api', '--response-type', 'json');
  assert.match(await aio(byKey, 'runtime:api:list', '/traps'), /\/traps\/hello/);
});

test('T-4: a package is listed by a path with a slash at its end', async () => {
  await ask(world.url, 'PUT', '/api/v1/namespaces/_/packages/p4?overwrite=true', { body: {} });
  await deploy(world.url, 'p4/one', hello);
  assert.match(await aio(byKey, 'runtime:action:list', 'p4', '--limit', '10', '--skip', '0'), /one/);
  const reply = await ask(world.url, 'GET', '/api/v1/namespaces/_/actions/p4/?skip=0&limit=10');
  assert.deepEqual(
    reply.json<{ name: string }[]>().map(({ name }) => name),
    ['one'],
  );
});

test('T-5: who lists definitions without a limit sees more than thirty', async () => {
  const made = Array.from({ length: 55 }, (_, i) => `rule-free-${i}`);
  await Promise.all(made.map((name) => ask(world.url, 'PUT', `/api/v1/namespaces/_/triggers/${name}`, { body: {} })));
  const seen = (await ask(world.url, 'GET', '/api/v1/namespaces/_/triggers?')).json<{ name: string }[]>();
  assert.ok(seen.length >= made.length);
  assert.equal((await ask(world.url, 'GET', '/api/v1/namespaces/_/triggers?limit=51')).status, 400, 'what is asked for keeps its bound');
  assert.equal((await ask(world.url, 'GET', '/api/v1/namespaces/_/triggers?limit=0')).json<unknown[]>().length, 50);
});

test('T-6: that a new target needs --force-deploy is told', () => {
  assert.match(readFileSync(join(projectRoot, 'docs/adobe.md'), 'utf8'), /--force-deploy/);
});

test('T-7: action code sees region, cloud and where State is kept', async () => {
  const names = ['__OW_REGION', '__OW_CLOUD', 'AIO_STATE_ENDPOINT'];
  await deploy(
    world.url,
    'env',
    `function main() { return Object.fromEntries(${JSON.stringify(names)}.map((n) => [n, process.env[n]])); }`,
  );
  const reply = await invoke(world.url, 'env');
  assert.deepEqual(reply.json(), {
    __OW_REGION: reply.headers.get('x-isochrone-region'),
    __OW_CLOUD: 'aws',
    AIO_STATE_ENDPOINT: stateEndpoint,
  });
});

test('T-8: where logs go is answered with one key, kept, told everywhere, and its secrets to nobody', async () => {
  const path = '/runtime/namespaces/guest/logForwarding';
  assert.deepEqual((await ask(world.url, 'GET', path)).json(), { adobe_io_runtime: {} });
  await invoke(world.url, 'env');
  const splunk = ['--host', 'splunk.example.net', '--port', '443', '--index', 'main', '--hec-token', 'very-secret'];
  await aio(byKey, 'runtime:namespace:log-forwarding:set:splunk-hec', ...splunk);
  assert.match(await aio(byKey, 'runtime:namespace:log-forwarding:errors'), /not forwarded yet/);
  const shown = await aio(byKey, 'runtime:namespace:log-forwarding:get');
  assert.match(shown, /splunk\.example\.net/);
  const elsewhere = world.regionUrl(regions[1]);
  await until('the other region knows', async () => (await ask(elsewhere, 'GET', path)).text.includes('splunk_hec'));
  const answers = [shown, (await ask(elsewhere, 'GET', path)).text, (await ask(world.url, 'GET', `${path}/errors`)).text];
  for (const text of answers) assert.doesNotMatch(text, /very-secret|hec_token/);
  for (const body of [{}, { nowhere: {} }, { new_relic: {} }, { adobe_io_runtime: {}, new_relic: {} }])
    assert.equal((await ask(world.url, 'PUT', path, { body })).status, 400);
  assert.equal((await ask(world.url, 'DELETE', path)).status, 405);
  assert.equal((await ask(world.url, 'GET', path, { key: null })).status, 401);
  assert.equal((await ask(world.url, 'GET', '/runtime/namespaces/other/logForwarding')).status, 403);
  await aio(byKey, 'runtime:namespace:log-forwarding:set:adobe-io-runtime');
  assert.deepEqual((await ask(world.url, 'GET', path)).json(), { adobe_io_runtime: {} });
});

test('T-9: aio deploys through the deploy service: with a token, below /runtime, and with its report taken at the end', async () => {
  const token = await issuer.token({ claims: { namespaces: ['guest'] } });
  const through: AioOptions = { ...byKey, home: join(home, 'deploys'), token };
  mkdirSync(join(home, 'deploys'));
  await aio(through, 'runtime:action:create', 'deployed', join(home, 'hello.js'), '--web', 'true');
  assert.equal((await ask(world.url, 'GET', '/runtime/api/v1/web/guest/default/deployed', { key: null })).status, 200);
  await aio(through, 'runtime:action:delete', 'deployed');
  await aio({ ...through, home: join(home, 'local'), token: devToken() }, 'runtime:action:create', 'deployed', join(home, 'hello.js'));
  assert.match(await aio({ ...through, token: 'no-token-at-all', fails: true }, 'runtime:action:delete', 'deployed'), /401|invalid/);

  assert.ok('nodejs' in (await ask(world.url, 'GET', '/runtime', { key: null })).json<{ runtimes: object }>().runtimes);
  const doubled = await ask(world.url, 'GET', '/runtime/runtime/namespaces/guest/logForwarding', bearer(token));
  assert.deepEqual([doubled.status, doubled.json()], [200, { adobe_io_runtime: {} }]);
  const report = (more: Parameters<typeof ask>[3]) => ask(world.url, 'POST', '/audit-log-api/event-post', { body: { event: {} }, ...more });
  assert.equal((await report(bearer(token))).status, 200);
  assert.equal((await report({ key: null })).status, 401);
});

test('T-9: a token acts in the namespaces that it grants and in no other, whether they exist or not', async () => {
  const other = world.isochrone('subjects', 'create', 'other').trim();
  assert.ok(other);
  const list = (token: string, namespace?: string) => ask(world.url, 'GET', '/api/v1/namespaces', bearer(token, namespace));
  const both = await issuer.token({ claims: { namespaces: 'guest other' } });
  assert.deepEqual((await list(both, 'other')).json(), ['other']);
  assert.deepEqual((await list(await issuer.token({ claims: { namespaces: ['guest'] } }))).json(), ['guest']);
  const one = await issuer.token({ claims: { namespaces: ['guest'] } });
  const texts = await Promise.all([list(one, 'other'), list(one, 'nobody'), list(both), list(await issuer.token(), 'guest')]);
  for (const reply of texts)
    assert.deepEqual(
      [reply.status, reply.json()['error']],
      [403, 'The supplied authentication is not authorized to access this resource.'],
    );
  assert.equal((await ask(world.url, 'GET', '/api/v1/namespaces/other/actions', bearer(one, 'guest'))).status, 403);
});

test('T-10: the header for more logs, which aio always sends, is no reason to refuse', async () => {
  const statuses = await Promise.all(
    Array.from({ length: 40 }, () =>
      ask(world.url, 'POST', `${actionPath('env')}?blocking=false`, { body: {}, headers: { 'x-ow-extra-logging': 'on' } }),
    ),
  );
  assert.deepEqual(new Set(statuses.map(({ status }) => status)), new Set([202]));
});

test('T-11: every refusal has a text and a code', async () => {
  const asked = [
    ['GET', '/api/v1/namespaces/_/actions/none', {}],
    ['GET', '/api/v1/namespaces/_/actions', { key: null }],
    ['GET', '/api/v1/namespaces/_/nothing', {}],
    ['PUT', '/api/v1/namespaces/_/actions/a', { body: { exec: { kind: 'cobol', code: '' } } }],
    ['GET', '/api/v1/namespaces/other-one/actions', {}],
    ['GET', '/api/v1/web/guest/default/none', { key: null }],
    ['DELETE', '/runtime/namespaces/guest/logForwarding', {}],
    ['GET', '/nothing', {}],
  ] as const;
  for (const [method, path, more] of asked) {
    const reply = await ask(world.url, method, path, more);
    const { error, code } = reply.json<{ error: unknown; code: unknown }>();
    assert.ok(reply.status >= 400 && typeof error === 'string' && error !== '' && typeof code === 'string', `${path}: ${reply.text}`);
  }
});

test('T-12: an activation that still runs is a 404 that says so', async () => {
  await deploy(world.url, 'long', 'function main() { return new Promise((resolve) => setTimeout(resolve, 15000, {})); }');
  const { activationId } = (await ask(world.url, 'POST', actionPath('long'), { body: {} })).json<{ activationId: string }>();
  // What is accepted is noted a little later; until then nothing is known of it.
  await until('the activation is pending', async () => {
    const { status, headers } = await ask(world.url, 'GET', `/api/v1/namespaces/_/activations/${activationId}`);
    return status === 404 && headers.get('x-isochrone-state') === 'pending';
  });
  const none = await ask(world.url, 'GET', `/api/v1/namespaces/_/activations/${activationId.slice(0, -8)}deadbeef`);
  assert.deepEqual([none.status, none.headers.get('x-isochrone-state')], [404, null]);
});

test('T-13: a namespace may be named as the State library wants it, and then has a host too', async () => {
  const key = /[0-9a-f-]{36}:\S+/.exec(world.isochrone('subjects', 'create', '12345-demo'))?.[0] ?? '';
  await deploy(world.url, 'hello', hello, { annotations: [exported] }, key);
  assert.equal((await onHost('12345-demo.example.net', '/api/v1/web/default/hello')).status, 200);
});

test('T-14: an update of parameters replaces all, and leaves them alone where it names none', async () => {
  const parameters = [
    { key: 'a', value: 1 },
    { key: 'b', value: 2 },
  ];
  await deploy(world.url, 'kept', hello, { parameters });
  const update = async (body: object) =>
    (await ask(world.url, 'PUT', `${actionPath('kept')}?overwrite=true`, { body })).json<{ parameters: object[] }>().parameters.length;
  assert.equal(await update({ annotations: [] }), 2);
  assert.equal(await update({ parameters: [{ key: 'c', value: 3 }] }), 1);
});

test('T-16: where runs do not share a sandbox, the environment is that of the run', async () => {
  await deploy(world.url, 'alone', 'function main() { return { id: process.env.__OW_ACTIVATION_ID }; }', { limits: { concurrency: 1 } });
  const runs = await Promise.all(Array.from({ length: 4 }, () => invoke(world.url, 'alone')));
  for (const run of runs) assert.equal(run.json()['id'], run.headers.get('x-openwhisk-activation-id'));
});

test('T-17: the host of the API tells its kinds and limits as JSON', async () => {
  const reply = await ask(world.url, 'GET', '/', { key: null });
  assert.equal(reply.headers.get('content-type'), 'application/json');
  const { runtimes, limits } = reply.json<{ runtimes: { nodejs: { kind: string; default: boolean }[] }; limits: object }>();
  assert.ok(runtimes.nodejs.some((kind) => kind.default));
  assert.ok('actions_per_minute' in limits);
});

test('a namespace host serves its own actions in all forms, keeps what the caller said, and reaches nothing else', async () => {
  await deploy(
    world.url,
    'told',
    'function main({ __ow_headers, __ow_path }) { return { body: { host: __ow_headers.host, path: __ow_path } }; }',
    {
      annotations: [exported],
    },
  );
  for (const base of [world.url, world.regionUrl(regions[0])])
    for (const path of [
      '/default/told/a',
      '/api/v1/web/default/told/a',
      '/api/v1/web/guest/default/told/a',
      '/runtime/api/v1/web/default/told/a',
    ]) {
      const reply = await onHost('guest.example.net', path, {}, base);
      assert.deepEqual([reply.status, JSON.parse(reply.text)], [200, { host: 'guest.example.net', path: '/a' }], path);
    }
  assert.equal((await onHost('guest.example.net', '/apis/traps/hello')).status, 200);
  const key = { authorization: `Basic ${Buffer.from(wellKnown.guest).toString('base64')}` };
  assert.equal((await onHost('guest.example.net', '/api/v1/namespaces/_/actions', key)).status, 404);
  assert.equal((await onHost('other.example.net', '/api/v1/web/guest/default/told', key)).status, 404);
  assert.equal((await onHost('guest.example.net', '/api/v1/web/..%2f..%2fnamespaces/_/actions', key)).status, 404);
  const shown = await onHost('example.net:80', '/api/v1/web/guest/default/told?x=1', { accept: 'text/html' });
  assert.deepEqual([shown.status, shown.location], [308, '//guest.example.net:80/api/v1/web/default/told?x=1']);
  assert.equal((await onHost('example.net', '/api/v1/web/guest/default/told')).status, 200, 'only browsers are sent there');
});

interface Heard {
  readonly status: number | undefined;
  readonly location: string | undefined;
  readonly text: string;
}

/** A request with a Host header of one's own, which fetch does not allow. */
function onHost(host: string, path: string, headers: Readonly<Record<string, string>> = {}, base = world.url): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const asked = request(base + path, { headers: { ...headers, host } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      const end = () => resolve({ status: answer.statusCode, location: answer.headers.location, text: Buffer.concat(chunks).toString() });
      answer.on('end', end).on('error', reject);
    });
    asked.on('error', reject).end();
  });
}

function devToken(): string {
  return (JSON.parse(readFileSync(join(world.data, 'settings.json'), 'utf8')) as { devToken: string }).devToken;
}
