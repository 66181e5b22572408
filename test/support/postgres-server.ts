import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findPostgres } from '../../apps/cli/src/world/native.js';
import { unprivilegedUser } from '../../apps/cli/src/world/reach.js';
import { freePort } from './ports.js';

/** Postgres refuses to run as root; then it runs as whom a world's Postgres would run as. */
const user = unprivilegedUser();
const account = 'isochrone';

/** A real Postgres for one test, in a folder of its own, gone with `stop`. */
export class PostgresServer {
  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly launch: () => ChildProcess,
    private child: ChildProcess,
  ) {}

  /** Starts an empty server; `settings` are its own, such as `max_prepared_transactions`. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
    const programs = findPostgres();
    const folder = mkdtempSync(join(tmpdir(), 'isochrone-pg-'));
    if (user) chownSync(folder, user.uid, user.gid);
    const data = join(folder, 'data');
    const init = ['-D', data, '-U', account, '--auth=trust', '--locale=C.UTF-8', '--encoding=UTF8', '--no-sync'];
    const made = spawnSync(programs.initdb, init, { ...user, cwd: '/', env: { LC_ALL: 'C.UTF-8' }, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    const port = await freePort();
    const set = {
      port: String(port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      shared_buffers: '32MB',
      fsync: 'off',
      io_method: 'sync',
      ...settings,
    };
    const args = ['-D', data, ...Object.entries(set).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const launch = () => spawn(programs.postgres, args, { ...user, cwd: '/', stdio: 'ignore' });
    const server = new PostgresServer(folder, port, launch, launch());
    await server.ready();
    return server;
  }

  /** URL of a database of this server. */
  url(database = 'postgres'): string {
    return `postgres://${account}@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes a database and returns its URL. */
  async createDatabase(name: string): Promise<string> {
    await this.run(`create database ${name}`);
    return this.url(name);
  }

  /** Kills the server as kill -9 does and starts it again after `downMs`. */
  async crash(downMs = 0): Promise<void> {
    await this.end('SIGKILL');
    // The children of a killed postmaster end a moment later; until then its shared memory is in use.
    await sleep(500 + downMs);
    this.child = this.launch();
    await this.ready();
  }

  /** Ends the server at once and removes its folder. */
  async stop(): Promise<void> {
    await this.end('SIGQUIT');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await gone;
  }

  private async ready(): Promise<void> {
    for (let i = 0; ; i += 1) {
      try {
        return await this.run('select 1');
      } catch (cause) {
        if (i > 200 || this.child.exitCode !== null) throw cause;
        await sleep(100);
      }
    }
  }

  private async run(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url(), connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }
}
