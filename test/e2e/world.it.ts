/** A world as its owner lives with it: started, used by what it printed, hurt, ended and found again. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { actionPath, ask, invoke } from '../support/client.js';
import { processesOf } from '../support/processes.js';
import { projectRoot } from '../support/project.js';
import { freeBlock, guestKey, until } from '../support/world.js';

const regions = ['us-east-1', 'eu-west-1'] as const;
const bootstrap = join(projectRoot, 'apps/cli/bootstrap.mjs');

let data: string;
let port: number;
let supervisor: ChildProcess;
let printed = '';

before(async () => {
  data = mkdtempSync(join(tmpdir(), 'isochrone-e2e-'));
  port = await freeBlock(8 + regions.length);
  await start();
});

after(async () => {
  await end('SIGTERM');
  rmSync(data, { recursive: true, force: true });
});

const url = () => `http://127.0.0.1:${port}`;

/** Starts the world and waits until it has printed its last line. */
async function start(...more: string[]): Promise<void> {
  printed = '';
  const args = [bootstrap, 'up', '--regions', regions.join(','), '--port', String(port), '--data', data, ...more];
  supervisor = spawn(process.execPath, args, { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [supervisor.stdout, supervisor.stderr]) stream?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  await until(
    'the world says that it is ready',
    async () => printed.includes('Ctrl-C ends the world'),
    90_000,
    () => (supervisor.exitCode === null ? undefined : `it ended: ${printed}`),
  );
}

/** Sends a signal and waits for the end; returns the exit code. */
async function end(signal: NodeJS.Signals): Promise<number | null> {
  if (!supervisor || supervisor.exitCode !== null || supervisor.signalCode !== null) return supervisor?.exitCode ?? null;
  const ended = new Promise<number | null>((resolve) => supervisor.once('exit', resolve));
  supervisor.kill(signal);
  return ended;
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function isochrone(...args: string[]): Ran {
  return run(process.execPath, [bootstrap, ...args, '--data', data]);
}

function run(file: string, args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: projectRoot, encoding: 'utf8', timeout: 120_000 });
  return { code: status, stdout, stderr };
}

/** A line of what was printed, run by a shell as it stands. */
function paste(pattern: RegExp): Ran {
  const line = printed.split('\n').find((each) => pattern.test(each));
  assert.ok(line !== undefined, `no line like ${pattern.source} in ${printed}`);
  return run('sh', ['-c', line]);
}

test('the printed lines create an action, call it, and show the regions at work', () => {
  assert.ok(printed.includes(guestKey));
  for (const region of regions) assert.ok(printed.includes(region));
  const created = paste(/^curl .*-X PUT/);
  assert.equal(created.code, 0, created.stderr);
  assert.equal((JSON.parse(created.stdout) as { name: string }).name, 'hello');
  const invoked = paste(/^curl .*-X POST/);
  assert.equal((JSON.parse(invoked.stdout) as { hello: string }).hello, 'Isochrone');
  const tried = paste(/^npm run .* try/);
  assert.equal(tried.code, 0, tried.stdout + tried.stderr);
  assert.match(tried.stdout, /all as promised/);
});

test('a subject is created with nothing but its key on stdout, can use it, is listed, and is gone when deleted', async () => {
  const { code, stdout, stderr } = isochrone('subjects', 'create', 'ada');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^[0-9a-f-]{36}:[A-Za-z0-9]{64}\n$/);
  const key = stdout.trim();
  const listed = async () => ask(url(), 'GET', '/api/v1/namespaces', { key });
  await until('the key is known', async () => (await listed()).status === 200);
  assert.deepEqual(JSON.parse((await listed()).text), ['ada']);
  assert.match(isochrone('subjects', 'list').stdout, /^ada /m);
  assert.equal(isochrone('subjects', 'delete', 'ada').code, 0);
  await until('the key is refused', async () => (await listed()).status === 401);
  const again = isochrone('subjects', 'delete', 'ada');
  assert.equal(again.code, 1);
  assert.equal(again.stderr.trimEnd().split('\n').length, 1, again.stderr);
});

test('why tells where a request went', async () => {
  const reply = await ask(url(), 'GET', actionPath('hello'), { headers: { 'x-request-id': 'e2ewhy' } });
  assert.equal(reply.status, 200);
  const { code, stdout, stderr } = isochrone('why', 'e2ewhy');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /GET .*\/actions\/hello/);
  assert.match(stdout, new RegExp(`answered with 200`));
});

test('a killed region is down with all its processes, until it is started', async () => {
  const [, lost] = regions;
  assert.equal(isochrone('status').code, 0);
  assert.equal((await invoke(`http://127.0.0.1:${port + 9}`, 'hello')).status, 200);
  assert.notDeepEqual(processesOf(join(data, 'sandbox', '2')), []);
  assert.equal(isochrone('kill', lost).code, 0);
  const status = isochrone('status');
  assert.equal(status.code, 1);
  assert.match(status.stdout, new RegExp(`${lost} .*down`));
  await assert.rejects(ask(`http://127.0.0.1:${port + 9}`, 'GET', '/health/live', { timeoutMs: 2000 }));
  assert.deepEqual(
    processesOf(data).filter((line) => line.includes(`regions/${lost}/`)),
    [],
  );
  await until('its sandboxes are gone, frozen ones too', async () => processesOf(join(data, 'sandbox', '2')).length === 0);
  assert.equal((await invoke(url(), 'hello')).status, 200);
  const started = isochrone('start', lost);
  assert.equal(started.code, 0, started.stderr);
  assert.equal((await invoke(`http://127.0.0.1:${port + 9}`, 'hello')).status, 200);
  assert.match(isochrone('kill', 'mars-1').stderr, /no region 'mars-1' in this world/);
});

test('a process that dies is started again', async () => {
  const pid = () => Number(/router +\w+ +for \d+ s, process (\d+)/.exec(isochrone('status').stdout)?.[1]);
  const before = pid();
  process.kill(before, 'SIGKILL');
  await until('the router serves again', async () => {
    try {
      return (await ask(url(), 'GET', '/health/ready', { key: null, timeoutMs: 2000 })).status === 200;
    } catch {
      return false;
    }
  });
  assert.notEqual(pid(), before);
});

test('a second start on the same folder is refused while the first runs', () => {
  const second = isochrone('up', '--port', String(port));
  assert.equal(second.code, 1);
  assert.match(second.stderr, /a world runs in .* already/);
});

test('SIGTERM ends everything in order, and the next start finds it all', async () => {
  assert.equal(await end('SIGTERM'), 0, printed);
  assert.deepEqual(processesOf(data), []);
  await start();
  assert.equal((await invoke(url(), 'hello', { name: 'again' })).json<{ hello: string }>().hello, 'again');
});

test('after kill -9 of the supervisor its processes end, and the next start finds everything', async () => {
  await end('SIGKILL');
  await until('no process is left', async () => processesOf(data).length === 0, 60_000);
  await start();
  assert.equal((await invoke(url(), 'hello', { name: 'back' })).json<{ hello: string }>().hello, 'back');
});

test('--fresh begins anew', async () => {
  await end('SIGINT');
  assert.deepEqual(processesOf(data), []);
  await start('--fresh');
  assert.equal((await ask(url(), 'GET', actionPath('hello'))).status, 404);
});
