import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { NodePackage } from './pins.js';

/** How a Node.js of another version comes to this machine. */
export interface NodeStoreOptions {
  /** Folder that the spawners of a machine share; every user must be able to reach it. */
  readonly folder: string;
  /** What npm may see of our environment. */
  readonly env: Readonly<Record<string, string>>;
}

const run = promisify(execFile);
const bringMs = 5 * 60_000;
const versionMs = 10_000;
const waitMs = 250;
/** The holder of a lock touches it this often, and one that was not touched for the longer time has no holder any more. */
const touchMs = 2000;
const staleMs = 15_000;

const npmSees =
  /^(?:PATH|HOME|USER|LANG|TMPDIR|npm_config_\w+|https?_proxy|no_proxy|all_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR)$/i;

/** What npm needs of an environment: where the registry is and how it is reached. */
export function npmEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value !== undefined && npmSees.test(name) ? [[name, value]] : [])),
  );
}

/** Where a package's Node.js stands once it was brought. */
export function storedNode(folder: string, { name, version }: NodePackage): string {
  return join(folder, `${name}-${version}`, 'node');
}

/**
 * Brings a package's Node.js from the npm registry and returns its path; what is there already is taken. One download at a time on a machine:
 * others wait for it. npm itself does it, so that the machine's registry, proxy and certificates apply, and refuses an archive that has another
 * checksum than ours. Throws with a reason that an operator can act on.
 */
export async function bringNode(wanted: NodePackage, { folder, env }: NodeStoreOptions): Promise<string> {
  const node = storedNode(folder, wanted);
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const lock = join(folder, `${wanted.name}-${wanted.version}.lock`);
  const deadlineMs = Date.now() + 2 * bringMs;
  while (!take(lock)) {
    if (Date.now() > deadlineMs) throw new Error(`${lock} is held by another process for too long`);
    await sleep(waitMs);
    if (existsSync(node)) return node;
  }
  const touch = setInterval(() => touched(lock), touchMs);
  try {
    if (!existsSync(node)) await download(wanted, folder, env);
    return node;
  } finally {
    clearInterval(touch);
    rmSync(lock, { force: true });
  }
}

async function download(wanted: NodePackage, folder: string, env: Readonly<Record<string, string>>): Promise<void> {
  const draft = mkdtempSync(join(folder, 'draft-'));
  try {
    const { name, version, integrity } = wanted;
    const project = { name: 'isochrone-runtime', version: '0.0.0', dependencies: { [name]: version } };
    const packages = { '': project, [`node_modules/${name}`]: { version, integrity } };
    writeFileSync(join(draft, 'package.json'), JSON.stringify(project));
    writeFileSync(join(draft, 'package-lock.json'), JSON.stringify({ ...project, lockfileVersion: 3, requires: true, packages }));
    await npm(draft, env);
    const node = join(draft, 'node_modules', name, 'bin/node');
    const { stdout } = await run(node, ['--version'], { timeout: versionMs, env: {} });
    if (stdout.trim() !== `v${version}`) throw new Error(`it says that it is ${stdout.trim()}`);
    const home = join(draft, 'home');
    mkdirSync(home, { mode: 0o755 });
    renameSync(node, join(home, 'node'));
    chmodSync(join(home, 'node'), 0o755);
    renameSync(home, join(folder, `${name}-${version}`));
  } catch (cause) {
    // Another one was faster after all.
    if (existsSync(storedNode(folder, wanted))) return;
    throw new Error(`${wanted.name}@${wanted.version} could not be brought from the npm registry: ${reasonOf(cause)}`, { cause });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function npm(folder: string, env: Readonly<Record<string, string>>): Promise<void> {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  // A registry that is out of reach is soon known to be: calls wait for the answer.
  const brief = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=60000'];
  const args = ['ci', ...quiet, ...brief, '--prefix', folder];
  await run('npm', args, { cwd: folder, env: { ...env }, timeout: bringMs, maxBuffer: 1024 * 1024 });
}

function reasonOf(cause: unknown): string {
  const { code, killed, stderr, message } = cause as { code?: unknown; killed?: boolean; stderr?: string; message?: string };
  if (code === 'ENOENT') return 'npm is not installed';
  if (killed === true) return `npm did not end within ${bringMs / 1000} s`;
  const said = (stderr ?? '')
    .split('\n')
    .map((line) => line.replace(/^npm (?:error|ERR!)\s*/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('A complete log'));
  return said.length > 0 ? said.join(' ').slice(0, 500) : (message ?? String(cause));
}

/** Whether the lock is ours now. One that nobody touches is set aside for the next try. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  try {
    if (Date.now() - statSync(lock).mtimeMs > staleMs) rmSync(lock, { force: true });
  } catch {
    // its holder has just let go
  }
  return false;
}

function touched(lock: string): void {
  try {
    utimesSync(lock, new Date(), new Date());
  } catch {
    // taken from us because we were too slow: what comes last is a rename, so two at work do no harm
  }
}
