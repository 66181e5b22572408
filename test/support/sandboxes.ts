import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ActivationId, InitOrder, Sandbox, SandboxRun } from '#libs/domain';
import { NativeDriver, npmEnvironment, type EgressOptions } from '#libs/sandbox';
import { Logger } from '#libs/telemetry';
import { ZipFile } from 'yazl';

const main = fileURLToPath(new URL('../../apps/spawner/src/main.js', import.meta.url));
const token = randomBytes(16).toString('hex');

/** A spawner process with a folder of its own. */
export interface TestSpawner {
  readonly child: ChildProcess;
  readonly address: string;
  readonly dir: string;
  /** Users of its sandboxes, 100 from here. */
  readonly firstUid: number;
  /** Everything it wrote so far. */
  log(): string;
  connect(egress?: EgressOptions): Promise<NativeDriver>;
  /** Ends it, if it has not ended, and removes its folder. Returns its exit code. */
  stop(): Promise<number | null>;
}

/** Starts the real spawner; `dir` lets it follow another in the same folder. */
export function startSpawner(
  options: { mode?: string; dir?: string; firstUid?: number; pids?: number; path?: string; registry?: string; store?: string } = {},
): TestSpawner {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'isochrone-it-'));
  // Sandboxes run as users of their own and must be able to reach it.
  chmodSync(dir, 0o755);
  const firstUid = options.firstUid ?? 300_000 + 100 * Math.floor(Math.random() * 10_000);
  const address = `unix:${join(dir, 'spawner.sock')}`;
  const child = spawn(process.execPath, ['--enable-source-maps', main], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...npmEnvironment(process.env),
      ...(options.registry === undefined ? {} : { npm_config_registry: options.registry }),
      PATH: options.path ?? process.env['PATH'],
      SECRET_OF_THE_HOST: 'hush',
      ISOCHRONE_SPAWNER_LISTEN: address,
      ISOCHRONE_SANDBOX_DIR: join(dir, 'sandboxes'),
      ISOCHRONE_SANDBOX: options.mode ?? 'auto',
      ...(options.store === undefined ? {} : { ISOCHRONE_RUNTIMES_DIR: options.store }),
      ISOCHRONE_FRAME_TOKEN: token,
      ISOCHRONE_SANDBOX_UID: String(firstUid),
      ISOCHRONE_SANDBOX_PIDS: String(options.pids ?? 64),
    },
  });
  // A test that breaks off leaves nothing behind: sandboxes end with their spawner.
  process.once('exit', () => child.kill('SIGKILL'));
  let log = '';
  child.stderr?.on('data', (bytes: Buffer) => (log += bytes.toString()));
  return {
    child,
    address,
    dir,
    firstUid,
    log: () => log,
    connect: (egress) =>
      NativeDriver.connect({
        spawner: address,
        token,
        name: 'test',
        logger: new Logger({}, 'error', () => undefined),
        ...(egress && { egress }),
      }),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(dir, { recursive: true, force: true });
      return child.exitCode;
    },
  };
}

/** An activation id nobody else has. */
export function anId(): ActivationId {
  return randomBytes(16).toString('hex') as ActivationId;
}

/** Loads code into a sandbox. */
export function init(sandbox: Sandbox, code: string | Uint8Array, more: Partial<InitOrder> = {}): ReturnType<Sandbox['init']> {
  return sandbox.init({
    activationId: anId(),
    name: 'test',
    main: 'main',
    binary: typeof code !== 'string',
    code: Buffer.from(code),
    env: {},
    timeoutMs: 60_000,
    concurrency: 1,
    ...more,
  });
}

/** Runs what was loaded. */
export function run(sandbox: Sandbox, args: unknown = {}, more: Partial<SandboxRun> = {}): ReturnType<Sandbox['run']> {
  return sandbox.run({
    activationId: anId(),
    args: Buffer.from(JSON.stringify(args)),
    env: {},
    timeoutMs: 60_000,
    logBytes: 10 * 1024 * 1024,
    resultBytes: 1024 * 1024,
    ...more,
  });
}

/** The parsed body of an answer; fails on any other outcome. */
export function answer(ended: { readonly outcome: { readonly kind: string } }): Record<string, unknown> {
  const { outcome } = ended;
  if (outcome.kind !== 'answered' || !('body' in outcome)) throw new Error(`no answer but ${JSON.stringify(outcome)}`);
  return JSON.parse(String(outcome.body)) as Record<string, unknown>;
}

/** What was printed, without timestamps. */
export function printed(ended: { readonly logs: { readonly lines: readonly string[] } }): string[] {
  return ended.logs.lines.map((line) => line.slice(31));
}

/** Processes of the users of a spawner's sandboxes; dead ones that the machine's first process has yet to reap do not count. */
export function processesOf(spawner: TestSpawner): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const shown = status(pid);
      if (/^State:\s+Z/m.test(shown)) return false;
      const uid = Number(/^Uid:\s+(\d+)/m.exec(shown)?.[1] ?? -1);
      return uid >= spawner.firstUid && uid < spawner.firstUid + 100;
    });
}

/** Waits until something holds; fails after ten seconds. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let n = 0; n < 200; n++) {
    if (holds()) return;
    await sleep(50);
  }
  throw new Error(`never came true: ${what}`);
}

/** A zip of the given files; values are contents, or contents with a mode. */
export async function zipOf(files: Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, file] of Object.entries(files)) {
    const { text, mode } = typeof file === 'string' ? { text: file, mode: 0o100644 } : file;
    zip.addBuffer(Buffer.from(text), name, { mode, compress: text.length > 100 });
  }
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A zip whose entry has a name that honest tools refuse to write: `honest` is replaced by `evil`, of the same length. */
export function renamed(zip: Buffer, honest: string, evil: string): Buffer {
  if (Buffer.byteLength(honest) !== Buffer.byteLength(evil)) throw new Error('names of different lengths');
  return Buffer.from(zip.toString('latin1').replaceAll(honest, Buffer.from(evil).toString('latin1')), 'latin1');
}

function status(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** A sandbox of `driver` for the length of `use`. */
export async function withSandboxOf<T>(
  driver: NativeDriver,
  use: (sandbox: Sandbox) => Promise<T>,
  memoryMiB = 256,
  kind = 'nodejs:20',
): Promise<T> {
  const sandbox = await driver.create({ kind, memoryMiB });
  try {
    return await use(sandbox);
  } finally {
    await sandbox.kill();
  }
}

/** Loads code that must load into a sandbox of its own, and runs it once. */
export function runOnceOn(driver: NativeDriver, code: string, args: unknown = {}, memoryMiB = 256): ReturnType<Sandbox['run']> {
  const use = async (sandbox: Sandbox): ReturnType<Sandbox['run']> => {
    const { outcome } = await init(sandbox, code);
    if (outcome.kind !== 'ok') throw new Error(`the code did not load: ${JSON.stringify(outcome)}`);
    return run(sandbox, args);
  };
  return withSandboxOf(driver, use, memoryMiB);
}
