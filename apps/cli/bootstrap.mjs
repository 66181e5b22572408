#!/usr/bin/env node
/**
 * What `npm start` and `npm run isochrone` call: installs what is missing, builds what changed, then runs the command line in this very
 * process. Plain JavaScript without a dependency, because it runs before there are any.
 *
 *   node apps/cli/bootstrap.mjs <command> …              installs, builds, runs the command
 *   node apps/cli/bootstrap.mjs prepare                  installs and builds, runs nothing
 *   node apps/cli/bootstrap.mjs prepare --folder DIR     installs the packages of another folder that has a lock file
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const [command = 'help', ...rest] = process.argv.slice(2);
/** Packages that actions find in their sandboxes: installed apart, because they do not go together with the platform's own. */
const actionModules = join(root, 'libs/sandbox/modules/nodejs');
const oldestNode = [20, 19];
const sources = ['apps', 'libs', 'test', 'bench', '.swcrc', 'package.json'];
/** A holder that has not touched its lock for this long is gone, even if its process id lives on as something else. */
const lockStaleMs = 15_000;

/** Progress; only `up` and `prepare` may write it on stdout. */
const say = (text) => void (command === 'up' || command === 'prepare' ? process.stdout : process.stderr).write(`${text}\n`);

try {
  checkNode();
  if (command === 'prepare') await prepare(rest[0] === '--folder' && rest[1] ? resolve(rest[1]) : root);
  else {
    await prepare(root);
    process.setSourceMapsEnabled(true);
    await import(pathToFileURL(join(root, 'dist/apps/cli/src/main.js')).href);
  }
} catch (error) {
  process.stderr.write(`isochrone: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new Error(`Node.js ${oldestNode.join('.')} or newer is needed, this is ${process.versions.node}: https://nodejs.org`);
}

/** Installs and builds what is not up to date; one process at a time, the others wait and find it done. */
async function prepare(folder) {
  const steps = folder === root ? [installation(folder), installation(actionModules), build()] : [installation(folder)];
  if (steps.every((step) => step.done())) return;
  const release = await lock(join(folder, '.cache', 'bootstrap.lock'));
  try {
    for (const step of steps) if (!step.done()) await step.run();
  } finally {
    release();
  }
}

/** The packages of a folder, as its lock file names them. */
function installation(folder) {
  const lockFile = join(folder, 'package-lock.json');
  const stamp = join(folder, 'node_modules', '.isochrone-lock');
  const wanted = () => sha256(readFileSync(lockFile));
  return {
    done() {
      if (readOr(stamp) === wanted()) return true;
      if (!installedAs(lockFile, join(folder, 'node_modules', '.package-lock.json'))) return false;
      writeFileSync(stamp, wanted());
      return true;
    },
    async run() {
      const hash = wanted();
      say(`installing packages${folder === root ? '' : ` of ${relative(root, folder)}`} (only when the lock file changed)`);
      await runNpm(folder, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'the packages could not be installed');
      mkdirSync(dirname(stamp), { recursive: true });
      writeFileSync(stamp, hash);
    },
  };
}

/** Whether npm's own note of what it installed says the same as the lock file; optional packages of other platforms may be absent. */
function installedAs(lockFile, noteFile) {
  let note;
  try {
    note = JSON.parse(readFileSync(noteFile, 'utf8')).packages;
  } catch {
    return false;
  }
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8'));
  return Object.entries(packages).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return note[path] ? note[path].version === version : optional === true;
  });
}

/** The compiled form of the sources. */
function build() {
  const stamp = join(root, 'dist', '.stamp');
  return {
    done: () => readOr(stamp) === fingerprint(),
    async run() {
      const before = fingerprint();
      say('building');
      rmSync(stamp, { force: true });
      await runNpm(root, ['run', '-s', 'build'], 'the build failed');
      writeFileSync(stamp, before);
    },
  };
}

/** A hash of names, times and sizes of everything that is compiled. */
function fingerprint() {
  const hash = createHash('sha256');
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(path).sort()) if (name !== 'node_modules') visit(join(path, name));
    } else hash.update(`${relative(root, path)}\0${stat.mtimeMs}\0${stat.size}\n`);
  };
  for (const name of sources) visit(join(root, name));
  return hash.digest('hex');
}

/** Runs npm with its output on stderr; a signal to this process goes on to it. Throws `failure` unless it ends well. */
async function runNpm(folder, args, failure) {
  const windows = process.platform === 'win32';
  const child = spawn(windows ? 'npm.cmd' : 'npm', args, { cwd: folder, stdio: ['ignore', 2, 2], shell: windows });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const forward = (signal) => void child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  try {
    const { code, signal } = await new Promise((done, failed) => {
      child.once('error', (cause) => failed(new Error(`npm could not be started (${cause.message}): it comes with Node.js`)));
      child.once('exit', (code, signal) => done({ code, signal }));
    });
    if (code !== 0) throw new Error(`${failure}: npm ${args.join(' ')} ended with ${signal ?? `code ${code}`}`);
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}

/** Takes the lock, waiting for a holder that lives; returns what gives it back. The holder's id and a touch every second keep it. */
async function lock(path) {
  mkdirSync(dirname(path), { recursive: true });
  for (let said = false; ;) {
    try {
      const file = openSync(path, 'wx');
      writeFileSync(file, String(process.pid));
      closeSync(file);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (abandoned(path)) removeAbandoned(path);
    else {
      if (!said) say('another start is installing or building: waiting for it');
      said = true;
      await new Promise((next) => setTimeout(next, 200));
    }
  }
  const touch = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // The folder went away: whoever removed it gets the error of the step itself.
    }
  }, 1000);
  touch.unref();
  return () => {
    clearInterval(touch);
    if (readOr(path) === String(process.pid)) rmSync(path, { force: true });
  };
}

function abandoned(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return false;
  if (Date.now() - stat.mtimeMs > lockStaleMs) return true;
  const holder = Number(readOr(path));
  if (!holder) return false;
  try {
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Two waiters may find the same dead lock: moving it aside lets one of them win, and a live one that was moved by mistake goes back. */
function removeAbandoned(path) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (!abandoned(aside)) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
}

function readOr(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
