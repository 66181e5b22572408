/** One Postgres cluster: made once, started under our own supervision, taken over when a start finds one left behind. */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { Refusal, noSpace } from '../refusal.js';
import { boundLife } from '../supervision/bound-life.js';
import { commandLine, isGone, signal, startedAt } from '../supervision/process-table.js';
import type { PostgresPrograms } from './native.js';
import { unprivilegedUser, type User } from './reach.js';
import { corrupt } from './settings.js';

/** The only account of a cluster, and its owner. */
const account = 'isochrone';
const initMs = 60_000;
const stopMs = 10_000;

/** What a region's Postgres is. */
export interface ClusterOptions {
  readonly programs: PostgresPrograms;
  /** Its data: reachable by the unprivileged user when this process is root. */
  readonly folder: string;
  readonly port: number;
  readonly password: string;
}

/** The database of one region. */
export class Cluster {
  private readonly user: User | undefined = unprivilegedUser();

  constructor(private readonly options: ClusterOptions) {}

  get url(): string {
    const { port, password } = this.options;
    return `postgres://${account}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres?sslmode=disable`;
  }

  /** The server's command, to be run by a supervisor. */
  get command(): { file: string; args: string[]; user: User | undefined } {
    const { programs, folder, port } = this.options;
    const set = {
      port: String(port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      shared_buffers: '64MB',
      max_connections: '200',
      fsync: 'on',
      io_method: 'sync',
      log_checkpoints: 'off',
    };
    const args = ['-D', folder, ...Object.entries(set).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    // INT ends a server fast: clients are cut, all is written.
    return { ...boundLife({ file: programs.postgres, args }, 'INT'), user: this.user };
  }

  /** Makes the cluster where there is none, and ends a server that an earlier start left running on it. */
  async prepare(): Promise<void> {
    const { folder } = this.options;
    if (existsSync(folder)) {
      if (!existsSync(join(folder, 'PG_VERSION'))) throw corrupt(folder, 'it holds no Postgres cluster (PG_VERSION is missing)');
      await this.endLeftover();
      return;
    }
    await this.initialise();
  }

  /** Whether the server answers a query. */
  async answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2000, query_timeout: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private async initialise(): Promise<void> {
    const { programs, folder, password } = this.options;
    const fresh = `${folder}.new`;
    const secret = `${folder}.password`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true, mode: 0o711 });
    chmodSync(dirname(folder), 0o711);
    mkdirSync(fresh, { mode: 0o700 });
    writeFileSync(secret, password, { mode: 0o600 });
    if (this.user) for (const path of [fresh, secret]) chownSync(path, this.user.uid, this.user.gid);
    try {
      const args = ['-D', fresh, '-U', account, `--pwfile=${secret}`, '--auth=scram-sha-256', '--locale=C.UTF-8', '--encoding=UTF8'];
      const { code, output } = await run(programs.initdb, args, this.user);
      if (code !== 0) throw new Refusal(this.diagnosis(output));
      renameSync(fresh, folder);
    } finally {
      rmSync(secret, { force: true });
      rmSync(fresh, { recursive: true, force: true });
    }
  }

  /** What the words of initdb mean, in one line. */
  private diagnosis(output: string): string {
    const { folder } = this.options;
    if (/No space left on device/i.test(output)) return noSpace(folder);
    const library = /error while loading shared libraries: ([^:]+):/.exec(output)?.[1];
    if (library !== undefined) return `Postgres cannot start because its library ${library} is missing: run \`npm ci\` again`;
    const words = output.split('\n').find((line) => /error|fatal|could not|cannot/i.test(line)) ?? output.trim().split('\n').at(-1) ?? '';
    return `Postgres could not make ${folder}: ${words.trim()}`;
  }

  /** Ends a server that runs on the folder: fast first (clients are cut, all is written), then at once. */
  private async endLeftover(): Promise<void> {
    const { folder } = this.options;
    const pid = postmaster(folder);
    if (pid === undefined) return;
    if (!commandLine(pid).includes(folder)) {
      rmSync(join(folder, 'postmaster.pid'), { force: true }); // Ids come back: Postgres would take a stranger for itself.
      return;
    }
    const since = startedAt(pid);
    for (const name of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
      signal(pid, name);
      if (await isGone(pid, since, stopMs)) return;
    }
    throw new Refusal(`Postgres (process ${pid}) runs on ${folder} and cannot be ended`);
  }
}

/** The process that `postmaster.pid` names. */
function postmaster(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Runs a program to its end, as another user where one is given; never longer than a minute. */
function run(file: string, args: readonly string[], user: User | undefined): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...user,
      env: { LC_ALL: 'C.UTF-8' },
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: initMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-8192)));
    child.once('error', (cause) => reject(new Refusal(`${file} cannot be run: ${cause.message}`, 1, { cause })));
    child.once('close', (code) => resolve({ code, output }));
  });
}
