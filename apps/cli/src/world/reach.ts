/** Who may reach which folder: Postgres and sandboxes run as users of their own, for whom a home of mode 700 is a wall. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Refusal } from '../refusal.js';

/** A user that processes run as. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Whether everybody may pass through a folder and all its parents. Always true for a user who is not root: processes stay his own. */
export function isReachable(folder: string): boolean {
  if (process.getuid?.() !== 0) return true;
  let at = realpathSync(folder);
  for (;;) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (dirname(at) === at) return true;
    at = dirname(at);
  }
}

/** A folder in the machine's shared space that outlives a restart of the machine where there is one. */
export function sharedFolder(name: string): string {
  const shared = process.platform === 'win32' ? tmpdir() : '/var/tmp';
  return join(shared, name);
}

/** Makes a folder that is this user's and nobody else can write; throws when somebody else was there first. */
export function ownFolder(path: string, mode = 0o700): void {
  mkdirSync(path, { recursive: true, mode });
  const stat = lstatSync(path);
  const foreign = process.getuid !== undefined && stat.uid !== process.getuid();
  if (!stat.isDirectory() || foreign)
    throw new Refusal(`${path} belongs to somebody else: remove it, or choose another folder with --data`);
  chmodSync(path, mode);
}

/** Whom Postgres runs as, which refuses root: nobody else unless this process is root; then `postgres`, else `nobody`. */
export function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((account) => account[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
}
