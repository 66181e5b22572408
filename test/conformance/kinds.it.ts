/** Every kind of runtime through the REST API of a world, as a client meets them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pythonKinds } from '#libs/domain';
import { actionPath, ask, invoke, type Reply } from '../support/client.js';
import { startWorld, until, type World } from '../support/world.js';

let world: World;
before(async () => {
  world = await startWorld({ regions: ['us-east-1'] });
});
after(() => world.stop());

interface Runtimes {
  readonly runtimes: Readonly<Record<string, readonly { readonly kind: string; readonly default: boolean }[]>>;
}

const nodeVersion = 'function main() { return { version: process.versions.node }; }';
const pythonVersion = 'import sys\ndef main(args):\n    return {"version": "%d.%d" % sys.version_info[:2]}';

const put = (name: string, kind: string, code: string, more: object = {}): Promise<Reply> =>
  ask(world.url, 'PUT', `${actionPath(name)}?overwrite=true`, { body: { exec: { kind, code }, ...more } });

/** Invokes until the runtime has been brought: it may take longer than one call is waited for. */
async function versionOf(name: string): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const reply = await invoke(world.url, name);
    if (reply.status === 200) return reply.json<{ version: string }>().version;
    if (tries === 5) throw new Error(`${name}: ${reply.status} ${reply.text}`);
  }
}

async function offered(): Promise<string[]> {
  const { runtimes } = (await ask(world.url, 'GET', '/', { key: null })).json<Runtimes>();
  for (const [family, kinds] of Object.entries(runtimes)) assert.equal(kinds.filter((kind) => kind.default).length, 1, family);
  return Object.values(runtimes).flatMap((kinds) => kinds.map(({ kind }) => kind));
}

test('every kind that the info document lists runs its own version', async () => {
  const kinds = await offered();
  assert.deepEqual(kinds.slice(0, 4), ['nodejs:20', 'nodejs:22', 'nodejs:24', 'python:3']);
  for (const kind of kinds) {
    const [family = '', version = ''] = kind.split(':');
    const name = kind.replace(/\W/g, '-');
    const made = await put(name, kind, family === 'python' ? pythonVersion : nodeVersion);
    assert.deepEqual([made.status, made.json<{ exec: { kind: string } }>().exec.kind], [200, kind]);
    const own = family === 'nodejs' && version === '20' ? process.versions.node : version;
    assert.ok(`${await versionOf(name)}.`.startsWith(`${own}.`), kind);
  }
  assert.deepEqual(kinds.slice(3), pythonKinds(await versionOf('python-3')));
});

test('a default kind is the one it stands for; one that is not here is refused with those that are', async () => {
  const kinds = await offered();
  for (const [asked, kind] of [
    ['nodejs:default', 'nodejs:20'],
    ['python:default', 'python:3'],
  ] as const) {
    assert.equal((await put('default', asked, 'x')).json<{ exec: { kind: string } }>().exec.kind, kind);
  }
  const refused = await put('default', 'python:2', 'x');
  const valid = [...kinds, 'sequence', 'blackbox'].map((kind) => `'${kind}'`).join(', ');
  assert.equal(refused.status, 400);
  assert.equal(
    refused.json()['error'],
    `The request content was malformed:\nThe specified runtime 'python:2' is not supported by this platform. Valid values are: ${valid}.`,
  );
});

test('what a Python action raises, prints and ends with is recorded as OpenWhisk records it', async () => {
  const record = async (code: string) => {
    await put('outcome', 'python:3', code);
    const reply = await ask(world.url, 'POST', `${actionPath('outcome')}?blocking=true`, { body: {} });
    const { activationId, response } = reply.json<{ activationId: string; response: { status: string; result: unknown } }>();
    const path = `/api/v1/namespaces/_/activations/${activationId}/logs`;
    await until('its record is there', async () => (await ask(world.url, 'GET', path)).status === 200);
    const logs = await ask(world.url, 'GET', path);
    return { http: reply.status, status: response.status, result: response.result, logs: logs.json<{ logs: string[] }>().logs.join('\n') };
  };
  const raised = await record('def main(args):\n    print("about to")\n    return {"n": 1 / 0}');
  assert.deepEqual([raised.http, raised.status, raised.result], [502, 'application error', { error: 'division by zero' }]);
  assert.match(raised.logs, /stdout: about to[\s\S]*stderr: Traceback[\s\S]*stderr: ZeroDivisionError: division by zero/);
  const none = await record('def main(args):\n    pass');
  assert.deepEqual(
    [none.status, none.result],
    ['action developer error', { error: 'The action did not produce a valid JSON or JSON Array response: null' }],
  );
  const unloaded = await record('def niam(args):\n    return args');
  assert.deepEqual(
    [unloaded.status, unloaded.result],
    ['action developer error', { error: 'Cannot start action. Check logs for details.' }],
  );
  assert.match(unloaded.logs, /cannot import name 'main'/);
  const hog = await record('def main(args):\n    held = []\n    while True: held.append(bytearray(8_000_000))');
  assert.deepEqual(hog.result, { error: 'The action exhausted its memory and was aborted.' });
});

test('a sequence passes from one kind to another', async () => {
  await put('shout', 'nodejs:22', 'function main({ text }) { return { text: text.toUpperCase() }; }');
  await put('count', 'python:3', 'def main(args):\n    return {"text": args["text"], "length": len(args["text"])}');
  const exec = { kind: 'sequence', components: ['/_/shout', '/_/count'] };
  await ask(world.url, 'PUT', `${actionPath('both')}?overwrite=true`, { body: { exec } });
  assert.deepEqual((await invoke(world.url, 'both', { text: 'naïve' })).json(), { text: 'NAÏVE', length: 5 });
});

test('a Python action that allows many calls at once is run one call to a sandbox', async () => {
  const code = 'import time, uuid\nmine = str(uuid.uuid4())\ndef main(args):\n    time.sleep(1)\n    return {"mine": mine}';
  await put('alone', 'python:3', code, { limits: { concurrency: 200 } });
  const replies = await Promise.all([1, 2, 3].map(() => invoke(world.url, 'alone')));
  assert.equal(new Set(replies.map((reply) => reply.json<{ mine: string }>().mine)).size, 3);
});

test('the command line tells which kinds are here', () => {
  const told = world.isochrone('kinds');
  for (const kind of ['nodejs:20', 'nodejs:22', 'nodejs:24', 'python:3']) assert.match(told, new RegExp(`^here +${kind} `, 'm'));
});
