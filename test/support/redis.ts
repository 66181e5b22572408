/** A Redis server for a test: on a free port of 127.0.0.1, in memory only. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { freePort } from './ports.js';
import { until } from './world.js';

export interface Redis {
  /** `host:port`. */
  readonly address: string;
  readonly uri: string;
  stop(): Promise<void>;
}

/** Starts a server and waits until it takes connections. */
export async function startRedis(): Promise<Redis> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', tmpdir()];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  let failed: string | undefined;
  child.once('error', (error) => (failed = error.message));
  child.once('exit', (code) => (failed ??= `it ended with code ${code}`));
  await until(
    'Redis is ready',
    () => takesConnections(port),
    10_000,
    () => failed,
  );
  const address = `127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  return { address, uri: `redis://${address}`, stop };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
