/** A real Postgres under our own supervision: made, killed, taken over, and run as another user when we are root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '#libs/telemetry';
import pg from 'pg';
import { Child, type ProcessSpec } from '../../apps/cli/src/supervision/child.js';
import { commandLine, isGone, isSameProcess, startedAt } from '../../apps/cli/src/supervision/process-table.js';
import { findPostgres } from '../../apps/cli/src/world/native.js';
import { freePort } from '../../apps/cli/src/world/ports.js';
import { Cluster } from '../../apps/cli/src/world/postgres.js';
import { unprivilegedUser } from '../../apps/cli/src/world/reach.js';

let base: string;
let cluster: Cluster;
let child: Child;

before(async () => {
  base = mkdtempSync(join(tmpdir(), 'isochrone-postgres-'));
  chmodSync(base, 0o711);
  const folder = join(base, 'postgres');
  cluster = new Cluster({ programs: findPostgres(), folder, port: await freePort(new Set()), password: 'a-password:of/odd@signs' });
  child = new Child(specOf(cluster), new Logger({}, 'log', () => undefined), () => undefined);
  await child.start();
});

after(async () => {
  await child?.stop();
  rmSync(base, { recursive: true, force: true });
});

const folderOf = () => join(base, 'postgres');

function specOf(server: Cluster): ProcessSpec {
  const { file, args, user } = server.command;
  return {
    name: 'test.postgres',
    role: 'postgres',
    file,
    args,
    user,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    stop: { signal: 'SIGINT', withinMs: 10_000 },
    log: join(base, 'postgres.log'),
    prepare: () => server.prepare(),
    ready: () => server.answers(),
  };
}

async function query<R extends pg.QueryResultRow>(sql: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: cluster.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('it answers with the settings a world relies on, on loopback alone', async () => {
  const [row] = await query<Record<string, string>>(
    `select current_setting('listen_addresses') as listen, current_setting('unix_socket_directories') as sockets,
            current_setting('fsync') as fsync, current_setting('server_encoding') as encoding,
            (select datcollate from pg_database where datname = current_database()) as collate`,
  );
  assert.deepEqual(row, { listen: '127.0.0.1', sockets: '', fsync: 'on', encoding: 'UTF8', collate: 'C.UTF-8' });
});

test('nobody gets in without the password', async () => {
  const client = new pg.Client({ connectionString: cluster.url.replace(/:[^:@/]*@/, ':wrong@') });
  client.on('error', () => undefined);
  await assert.rejects(client.connect(), /password authentication failed/);
});

test('as root it runs as another user, and its files are closed to the rest', () => {
  const user = unprivilegedUser();
  const { uid, mode } = statSync(folderOf());
  assert.equal(mode & 0o077, 0);
  assert.equal(uid, user?.uid ?? process.getuid?.());
  const pid = child.running?.pid ?? 0;
  assert.equal(statSync(`/proc/${pid}`).uid, user?.uid ?? process.getuid?.());
});

test('killed with -9 it is started again, and nothing committed is lost', async () => {
  await query('create table kept (n int)');
  await query('insert into kept values (42)');
  const killed = child.running?.pid ?? 0;
  const since = startedAt(killed);
  process.kill(killed, 'SIGKILL');
  assert.ok(await isGone(killed, since, 10_000));
  await child.start();
  await until(() => child.running !== undefined && child.running.pid !== killed && child.status().state === 'running');
  assert.deepEqual(await query('select n from kept'), [{ n: 42 }]);
  assert.ok(child.status().restarts >= 1);
});

test('a server that another supervisor left running is ended before ours starts', async () => {
  await child.stop();
  const { file, args, user } = cluster.command;
  const left = spawn(
    file,
    args.filter((argument) => !['--pdeathsig', 'INT'].includes(argument) || file !== 'setpriv'),
    {
      ...user,
      cwd: '/',
      detached: true,
      stdio: 'ignore',
    },
  );
  await until(() => cluster.answers());
  const pid = left.pid ?? 0;
  const since = startedAt(pid);
  await child.start();
  assert.equal(isSameProcess(pid, since), false);
  assert.notEqual(child.running?.pid, pid);
  assert.deepEqual(await query('select n from kept'), [{ n: 42 }]);
});

test('killed as a power cut kills, it stays down with all its children until it is started', async () => {
  const pid = child.running?.pid ?? 0;
  await child.kill();
  await until(async () => !(await cluster.answers()) && commandLine(pid) === '');
  assert.equal(child.status().state, 'stopped');
  await sleep(500);
  assert.equal(child.running, undefined);
  await child.start();
  assert.deepEqual(await query('select n from kept'), [{ n: 42 }]);
});

test('stopped in order it leaves no process and no pid file', async () => {
  await child.stop();
  assert.equal(existsSync(join(folderOf(), 'postmaster.pid')), false);
  assert.equal(await cluster.answers(), false);
});

test('a folder that lost its cluster is named in one line', async () => {
  rmSync(join(folderOf(), 'PG_VERSION'));
  await assert.rejects(cluster.prepare(), /data folder is damaged: .*PG_VERSION is missing/);
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error('it did not come to be within 30 s');
    await sleep(50);
  }
}
