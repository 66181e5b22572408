import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../test/support/project.js';

/** A control that answers HTTP. */
export interface Chain {
  readonly base: string;
  /** Ends its processes. */
  stop(): void;
}

/** Starts the bare chain; with a database, each call is a committed row as well. */
export async function startChain(databaseUrl?: string): Promise<Chain> {
  const folder = mkdtempSync(join(tmpdir(), 'isochrone-bench-'));
  const socket = join(folder, 'action.sock');
  const port = await freePort();
  const children = [
    await program('action', [socket]),
    await program('front', [String(port), socket, ...(databaseUrl === undefined ? [] : [databaseUrl])]),
  ];
  return {
    base: `http://127.0.0.1:${port}`,
    stop: () => {
      for (const child of children) child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Milliseconds from spawning a bare node to its first output. */
export function bareNodeStartMs(): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', "process.stdout.write('x')"], { stdio: ['ignore', 'pipe', 'ignore'], env: {} });
    child.stdout.once('data', () => resolve(performance.now() - startedAt));
    child.once('error', reject);
  });
}

function program(name: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(projectRoot, 'dist/bench/control', `${name}.js`), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve(child));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`control ${name} ended with ${code}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
