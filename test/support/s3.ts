/** A real S3 server for a test: versitygw where Go can bring it, else moto where Python can. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from './ports.js';
import { projectRoot } from './project.js';

const versitygw = 'github.com/versity/versitygw/cmd/versitygw@v1.7.0';
const moto = 'moto[server]==5.2.5';
const cache = join(projectRoot, '.cache');
const installMs = 600_000;
const readyMs = 30_000;

/** A server with one bucket, `isochrone`. */
export interface S3Server {
  readonly name: 'versitygw' | 'moto';
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Whether it refuses a request that is signed with a wrong secret. */
  readonly checksSignatures: boolean;
  /** A client of the test's own, to look at the bucket and to damage what is in it. */
  client(): S3Client;
  stop(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. Throws with the commands to type where neither can be had. */
export async function startS3(): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'isochrone-s3-'));
  const port = await freePort();
  const [accessKey, secretKey] = ['test', 'test-secret'];
  const { name, command, args, env } = program(port, folder);
  const child = spawn(command, args, {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey, ...env },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = () =>
    new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(child, client());
  } catch (cause) {
    await stop();
    throw new Error(`${name} did not start`, { cause });
  }
  return { name, endpoint, accessKey, secretKey, checksSignatures: name === 'versitygw', client, stop };
}

interface Program {
  readonly name: S3Server['name'];
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function program(port: number, folder: string): Program {
  const data = join(folder, 'data');
  mkdirSync(data);
  const gateway = findVersitygw();
  if (gateway !== undefined) {
    return { name: 'versitygw', command: gateway, args: ['--port', `127.0.0.1:${port}`, 'posix', data], env: {} };
  }
  const server = findMoto();
  if (server !== undefined) {
    const env = { MOTO_IAM_LOAD_MANAGED_POLICIES: 'false' };
    return { name: 'moto', command: server, args: ['-H', '127.0.0.1', '-p', String(port)], env };
  }
  const bin = join(cache, 'bin');
  throw new Error(
    `the tests need a real S3 server; install one with: GOBIN=${bin} go install ${versitygw}` +
      ` (or: python3 -m venv ${join(cache, 'moto')} && ${join(cache, 'moto', 'bin', 'pip')} install '${moto}')`,
  );
}

function findVersitygw(): string | undefined {
  const file = join(cache, 'bin', 'versitygw');
  if (existsSync(file)) return file;
  const env = { ...process.env, GOBIN: join(cache, 'bin'), GOFLAGS: '-buildvcs=false' };
  const installed = spawnSync('go', ['install', versitygw], { env, stdio: 'ignore', timeout: installMs }).status === 0;
  return installed && existsSync(file) ? file : undefined;
}

function findMoto(): string | undefined {
  const venv = join(cache, 'moto');
  const file = join(venv, 'bin', 'moto_server');
  if (existsSync(file)) return file;
  const steps = [
    ['python3', '-m', 'venv', venv],
    [join(venv, 'bin', 'pip'), 'install', '--quiet', moto],
  ];
  const done = steps.every(([command = '', ...args]) => spawnSync(command, args, { stdio: 'ignore', timeout: installMs }).status === 0);
  return done && existsSync(file) ? file : undefined;
}

async function ready(child: ChildProcess, client: S3Client): Promise<void> {
  const giveUpAt = Date.now() + readyMs;
  for (;;) {
    try {
      await client.send(new ListBucketsCommand({}));
      break;
    } catch (cause) {
      if (child.exitCode !== null || Date.now() > giveUpAt) throw cause;
      await sleep(100);
    }
  }
  await client.send(new CreateBucketCommand({ Bucket: 'isochrone' }));
  client.destroy();
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}
