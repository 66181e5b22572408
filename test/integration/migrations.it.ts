/** Many processes start at once on an empty database, and the one that migrates is killed in the middle. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { PostgresServer } from '../support/postgres-server.js';
import { projectRoot } from '../support/project.js';

const program = join(projectRoot, 'dist/test/support/migrating.js');
let server: PostgresServer;
const children: ChildProcess[] = [];

before(async () => {
  server = await PostgresServer.start();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
after(() => server?.stop());

/** A process that migrates, as every process of a region does at its start. */
function migrating(url: string) {
  const child = spawn(process.execPath, [program, url], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let [out, err] = ['', ''];
  const warned = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes('waits for a table')) resolve();
    });
  });
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<{ code: number | null; done: string[]; err: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, done: out.match(/"migration":"\w+"/g) ?? [], err })),
  );
  return { child, warned, ended };
}

/** A database in which the first migration cannot go on until `release`: somebody else is about to make the table that it makes. */
async function held(name: string) {
  const url = await server.createDatabase(name);
  const blocker = new pg.Client({ connectionString: url });
  await blocker.connect();
  await blocker.query('begin');
  await blocker.query('create table entity (held int)');
  const watcher = new pg.Client({ connectionString: url });
  await watcher.connect();
  return {
    url,
    /** Sessions of ours in this database: those that migrate, and those that hold or want the lock. */
    sessions: async () => {
      const { rows } = await watcher.query<{ pid: number; migrates: boolean; blocked: boolean; open: boolean }>(
        `select pid, application_name = 'isochrone migrations' as migrates, wait_event_type = 'Lock' as blocked, state <> 'idle' as open
         from pg_stat_activity where datname = current_database() and application_name like 'isochrone migration%'`,
      );
      return rows;
    },
    release: async () => {
      await blocker.query('rollback');
      await Promise.all([blocker.end(), watcher.end()]);
    },
  };
}

async function eventually(holds: () => Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`not within 30 s: ${what}`);
    await sleep(50);
  }
}

test('eight starts at once: each migration runs once and all come up', async () => {
  const url = await server.createDatabase('eight');
  const ends = await Promise.all(Array.from({ length: 8 }, () => migrating(url).ended));
  assert.deepEqual(
    ends.map(({ code }) => code),
    Array(8).fill(0),
    ends.map(({ err }) => err).join('\n'),
  );
  const done = ends.flatMap((end) => end.done);
  assert.equal(new Set(done).size, done.length);
  assert.ok(done.length > 0);
  const later = await migrating(url).ended;
  assert.deepEqual({ code: later.code, done: later.done }, { code: 0, done: [] });
});

test('while one migrates for long, the others wait without an open transaction', async () => {
  const database = await held('long');
  const starts = Array.from({ length: 3 }, () => migrating(database.url));
  await eventually(async () => {
    const sessions = await database.sessions();
    return sessions.length === 4 && sessions.some(({ migrates, blocked }) => migrates && blocked);
  }, 'one migrates and three want the lock');
  for (let i = 0; i < 20; i += 1) {
    const waiting = (await database.sessions()).filter(({ migrates }) => !migrates);
    assert.ok(
      waiting.every(({ blocked }) => !blocked),
      'nobody queues up for the lock inside the database',
    );
    await sleep(10);
  }
  await eventually(async () => (await database.sessions()).every(({ migrates, open }) => migrates || !open), 'the waiting are idle');
  await database.release();
  const ends = await Promise.all(starts.map(({ ended }) => ended));
  assert.deepEqual(
    ends.map(({ code }) => code),
    [0, 0, 0],
    ends.map(({ err }) => err).join('\n'),
  );
});

test('a table that stays in use for longer than a migration waits for it delays the start and does not break it', async () => {
  const database = await held('used');
  const start = migrating(database.url);
  await start.warned;
  await database.release();
  const { code, done, err } = await start.ended;
  assert.equal(code, 0, err);
  assert.ok(done.length > 0);
});

test('the migrating process is killed in the middle: what it began is undone, and another goes on', async () => {
  const database = await held('killed');
  const first = migrating(database.url);
  const blocked = async () => (await database.sessions()).find((session) => session.migrates && session.blocked)?.pid;
  await eventually(async () => (await blocked()) !== undefined, 'the first migrates');
  const orphan = await blocked();
  const second = migrating(database.url);
  await eventually(async () => (await database.sessions()).length === 3, 'the second waits');
  first.child.kill('SIGKILL');
  await first.ended;
  await eventually(async () => {
    const pid = await blocked();
    return pid !== undefined && pid !== orphan;
  }, 'the second migrates');
  assert.ok(
    (await database.sessions()).every(({ pid }) => pid !== orphan),
    'the statement of the killed process has ended',
  );
  await database.release();
  const { code, done, err } = await second.ended;
  assert.equal(code, 0, err);
  assert.ok(done.length > 0);
});
