/** A whole world for a test: started as a user starts it, on free ports and in a folder of its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watch, type Watch } from './contract/watch.js';
import { projectRoot } from './project.js';

/** The key of namespace `guest`, which every OpenWhisk's local form has. */
export const guestKey = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP';

const cli = join(projectRoot, 'dist/apps/cli/src/main.js');

export interface WorldOptions {
  readonly regions?: readonly string[];
  readonly limits?: string;
  readonly queue?: 'postgres' | 'kafka';
  readonly env?: Readonly<Record<string, string>>;
  /** Whether everything that reaches the router passes a watch, which holds every answer against the API's document. */
  readonly watched?: boolean;
}

export interface World {
  /** The router. */
  readonly url: string;
  readonly port: number;
  readonly data: string;
  /** REST API of one region. */
  regionUrl(region: string): string;
  /** Runs `isochrone` against this world; throws when it ends with another code than 0. Returns stdout. */
  isochrone(...args: string[]): string;
  /** What was wrong with answers so far, one line each; of a watched world. */
  departures(): Promise<readonly string[]>;
  /** Ends the world as Ctrl-C does and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a world and waits until it is ready. What it printed is shown when it does not become so. */
export async function startWorld({
  regions = ['us-east-1', 'eu-west-1'],
  limits = 'seed',
  queue = 'postgres',
  env = {},
  watched = false,
}: WorldOptions = {}): Promise<World> {
  const port = await freeBlock(8 + regions.length);
  const data = mkdtempSync(join(tmpdir(), 'isochrone-world-'));
  const where = ['--port', String(port), '--data', data];
  const child = spawn(process.execPath, ['--enable-source-maps', cli, 'up', '--regions', regions.join(','), ...where], {
    env: { ...process.env, LIMITS: limits, QUEUE: queue, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await end(child);
    rmSync(data, { recursive: true, force: true });
  };
  let seen: Watch | undefined;
  try {
    await until(
      `the world on port ${port} is ready`,
      () => isReady(url),
      120_000,
      () => (child.exitCode === null ? undefined : `it ended with code ${child.exitCode}`),
    );
    if (watched) seen = await watch(url);
  } catch (error) {
    await stop();
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${printed.slice(-4000)}`, { cause: error });
  }
  return {
    url: seen?.url ?? url,
    port: seen ? Number(new URL(seen.url).port) : port,
    data,
    regionUrl: (region) => `http://127.0.0.1:${port + 8 + regions.indexOf(region)}`,
    isochrone: (...args) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args, ...where], { encoding: 'utf8', timeout: 120_000 });
      if (status !== 0) throw new Error(`isochrone ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
      return stdout;
    },
    departures: async () => {
      if (!seen) throw new Error('nobody watches this world');
      return (await seen.report()).violations;
    },
    stop: async () => {
      await seen?.stop();
      await stop();
    },
  };
}

/** Polls until `holds`; throws after `timeoutMs`, or at once with what `hopeless` says. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  timeoutMs = 30_000,
  hopeless?: () => string | undefined,
): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs;
  while (!(await holds())) {
    const reason = hopeless?.();
    if (reason !== undefined) throw new Error(`waited until ${what}, but ${reason}`);
    if (Date.now() > giveUpAt) throw new Error(`waited ${timeoutMs} ms until ${what}`);
    await sleep(100);
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  await ended;
  clearTimeout(timer);
}

/** The first of `count` ports in a row that are free now. */
export async function freeBlock(count: number): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 20_000);
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
