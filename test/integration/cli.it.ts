/** What the command line says when something is not as it should be: one line, a code, and nothing left running. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openLog, rotate } from '../../apps/cli/src/supervision/logs.js';
import { takeLock } from '../../apps/cli/src/world/lock.js';
import { ensureRegionKey } from '../../apps/cli/src/world/region-key.js';
import { newSettings } from '../../apps/cli/src/world/settings.js';
import { processesOf } from '../support/processes.js';
import { projectRoot } from '../support/project.js';
import { freeBlock } from '../support/world.js';

const main = join(projectRoot, 'dist/apps/cli/src/main.js');
let base: string;

before(() => {
  base = mkdtempSync(join(tmpdir(), 'isochrone-cli-'));
  chmodSync(base, 0o711); // Else the worlds below would put files for other users elsewhere.
});
after(() => rmSync(base, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function isochrone(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, ...env },
  });
  return { code: status, stdout, stderr };
}

/** Asserts one line on stderr, and a code. */
function refused({ code, stderr }: Ended, wanted: number, text: RegExp): void {
  assert.match(stderr, text);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.equal(code, wanted);
}

test('what nobody understands ends with code 2 and says what is understood', () => {
  refused(isochrone(['dance']), 2, /'dance' is no command: `isochrone help`/);
  refused(isochrone(['status', '--loud']), 2, /--loud/);
  refused(isochrone(['kill']), 2, /takes REGION/);
  refused(isochrone(['subjects', 'praise']), 2, /subjects create NAME/);
  refused(isochrone(['up', '--port', 'http']), 2, /--port takes a number/);
  refused(isochrone(['up', '--regions', 'mars-1', '--data', join(base, 'mars')]), 2, /no region 'mars-1'; known are .*us-east-1/);
  refused(isochrone(['up', '--data', join(base, 'limits')], { LIMITS: 'generous' }), 2, /LIMITS=generous/);
  refused(isochrone(['up', '--data', join(base, 'queue')], { QUEUE: 'rabbits' }), 2, /QUEUE=rabbits/);
  assert.equal(existsSync(join(base, 'mars')), false);
});

test('help names every command on stdout', () => {
  const { code, stdout } = isochrone(['help']);
  assert.equal(code, 0);
  for (const command of ['up', 'try', 'status', 'kill', 'start', 'doctor', 'why', 'subjects'])
    assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
});

test('commands for a world that does not run say so', () => {
  const where = ['--data', join(base, 'nowhere')];
  for (const command of [['status'], ['try'], ['kill', 'eu-west-1'], ['start', 'eu-west-1'], ['why', 'abc'], ['subjects', 'list']])
    refused(isochrone([...command, ...where]), 1, /no world runs in .*nowhere/);
});

test('a port in use is named, with who has it', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  try {
    const folder = join(base, 'port');
    const ended = isochrone(['up', '--port', String(port), '--data', folder]);
    refused(ended, 1, new RegExp(`port ${port} is in use by process ${process.pid} `));
    assert.deepEqual(processesOf(folder), []);
  } finally {
    server.close();
  }
});

test('a second start on the same folder is refused, and a lock of the dead is taken over', () => {
  const folder = join(base, 'locked');
  mkdirSync(folder);
  const lock = join(folder, 'lock');
  const unlock = takeLock(lock, folder);
  refused(isochrone(['up', '--data', folder]), 1, new RegExp(`a world runs in .*locked already \\(process ${process.pid}\\)`));
  unlock();
  assert.equal(existsSync(lock), false);

  const dead = spawnSync(process.execPath, ['-e', '0']).pid;
  writeFileSync(lock, JSON.stringify({ pid: dead, startedAt: 'long ago' }));
  const again = takeLock(lock, folder);
  assert.equal((JSON.parse(readFileSync(lock, 'utf8')) as { pid: number }).pid, process.pid);
  again();
});

test('a damaged data folder is named, and not overwritten', () => {
  const folder = join(base, 'damaged');
  mkdirSync(folder);
  writeFileSync(join(folder, 'settings.json'), '{"id": ');
  refused(isochrone(['up', '--data', folder]), 1, /the data folder is damaged: .*settings\.json.*--fresh/);
  assert.equal(readFileSync(join(folder, 'settings.json'), 'utf8'), '{"id": ');

  rmSync(join(folder, 'settings.json'));
  writeFileSync(join(folder, 'world.json'), 'no json');
  refused(isochrone(['up', '--data', folder]), 1, /the data folder is damaged: .*settings\.json: it is missing/);

  writeFileSync(join(folder, 'settings.json'), JSON.stringify(newSettings(Date.now())));
  refused(isochrone(['up', '--data', folder]), 1, /the data folder is damaged: .*world\.json/);
  assert.equal(readFileSync(join(folder, 'world.json'), 'utf8'), 'no json');
  assert.deepEqual(processesOf(folder), []);
});

test('a broken Postgres folder ends the start in one line, and everything with it', async () => {
  const folder = join(base, 'broken');
  mkdirSync(join(folder, 'regions', 'us-east-1', 'postgres'), { recursive: true });
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(newSettings(Date.now())));
  ensureRegionKey(join(folder, 'regions', 'us-east-1', 'region.key'));
  const port = await freeBlock(9);
  const ended = isochrone(['up', '--data', folder, '--regions', 'us-east-1', '--port', String(port)]);
  refused(ended, 1, /us-east-1\.postgres does not start: the data folder is damaged: .*PG_VERSION is missing/);
  assert.deepEqual(processesOf(folder), []);
});

test('a region that has data is not given a new key in place of a lost one', () => {
  const folder = join(base, 'keyless');
  mkdirSync(join(folder, 'regions', 'us-east-1', 'postgres'), { recursive: true });
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(newSettings(Date.now())));
  refused(isochrone(['up', '--data', folder, '--regions', 'us-east-1']), 1, /region\.key: it is missing/);
});

test('a log that grows too long moves aside, and its writer goes on', () => {
  const log = join(base, 'a.log');
  const writer = openLog(log);
  writeSync(writer, 'x'.repeat(1000));
  rotate(log, 500);
  writeSync(writer, 'new');
  closeSync(writer);
  assert.equal(readFileSync(log, 'utf8'), 'new');
  assert.equal(readFileSync(`${log}.1`, 'utf8').length, 1000);
});

test('a folder that holds something else is left alone', () => {
  const folder = join(base, 'thesis');
  mkdirSync(folder);
  writeFileSync(join(folder, 'chapter-1.md'), 'words');
  refused(isochrone(['up', '--fresh', '--data', folder]), 1, /holds files of something else/);
  assert.deepEqual(readdirSync(folder), ['chapter-1.md']);
  refused(isochrone(['up', '--data', join(folder, 'chapter-1.md')]), 1, /is a file/);
});

test('doctor says what this machine has, line by line', () => {
  const { stdout } = isochrone(['doctor', '--data', join(base, 'doctor')]);
  for (const what of ['node', 'npm', 'bwrap', 'user namespaces', 'cgroups', 'setpriv', 'java', 'mvn', 'postgres', 'disk', 'port 3233'])
    assert.match(stdout, new RegExp(`^(ok|absent|MISSING) +${what}`, 'm'));
});

test('two preparations at once both find the project installed and built', async () => {
  const bootstrap = join(projectRoot, 'apps/cli/bootstrap.mjs');
  const codes = await Promise.all(
    [1, 2].map(
      () =>
        new Promise<number | null>((resolve) =>
          spawn(process.execPath, [bootstrap, 'prepare'], { cwd: tmpdir(), stdio: 'ignore' }).once('exit', (code) => resolve(code)),
        ),
    ),
  );
  assert.deepEqual(codes, [0, 0]);
  assert.ok(existsSync(main));
});
