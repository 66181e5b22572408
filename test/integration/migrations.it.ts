/** Eight processes start at once on an empty database; and the one that migrates is killed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { PostgresServer } from '../support/postgres-server.js';
import { projectRoot } from '../support/project.js';

const program = join(projectRoot, 'dist/test/support/migrating.js');
let server: PostgresServer;

before(async () => {
  server = await PostgresServer.start();
});
after(() => server?.stop());

function migrating(url: string) {
  const child = spawn(process.execPath, [program, url], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, out, err })),
  );
  return { child, ended };
}

test('eight starts at once: each migration runs once and all come up', async () => {
  const url = await server.createDatabase('eight');
  const ends = await Promise.all(Array.from({ length: 8 }, () => migrating(url).ended));
  assert.deepEqual(
    ends.map(({ code }) => code),
    Array(8).fill(0),
    ends.map(({ err }) => err).join('\n'),
  );
  const done = ends.flatMap(({ out }) => out.match(/"migration":"\w+"/g) ?? []);
  assert.equal(new Set(done).size, done.length);
  assert.ok(done.length > 0);
});

test('the migrating process is killed: another goes on', async () => {
  const url = await server.createDatabase('killed');
  const blocker = new pg.Client({ connectionString: url });
  await blocker.connect();
  // Whoever migrates first waits here, inside its first migration, for a table that somebody else holds.
  await blocker.query('begin');
  await blocker.query('create table entity (held int)');
  const first = migrating(url);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const second = migrating(url);
  first.child.kill('SIGKILL');
  await first.ended;
  await blocker.query('rollback');
  await blocker.end();
  const { code, err } = await second.ended;
  assert.equal(code, 0, err);
});
