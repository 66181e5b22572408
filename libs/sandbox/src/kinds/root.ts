import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * The read-only root that all sandboxes of a kind share: an interpreter, the libraries it is linked with, and the runtime. Nothing else of this
 * machine is in it. All sandboxes run the same file, so that they share its pages in memory.
 */
export interface RuntimeRoot {
  /** Folder that becomes `/`. */
  readonly folder: string;
  /** The interpreter, inside the root. */
  readonly program: string;
  /** The same on this machine, for sandboxes that run as our own user outside of any root. */
  readonly host: string;
  /** The runtime's first file, inside the root. */
  readonly entry: string;
  /** What the interpreter is told before the runtime. */
  flags(memoryMiB: number): readonly string[];
  /** What the interpreter's environment has beside the common, where the root is reached under `at`. */
  environment(at: string): Readonly<Record<string, string>>;
}

/** Where a root stands, by everything that went into it: another content is another root. */
export function rootFolder(folder: string, ingredients: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256').update('6');
  for (const each of ingredients) hash.update('\0').update(each);
  return join(folder, `root-${hash.digest('hex').slice(0, 12)}`);
}

/** A file as an ingredient: its place, size and time. */
export function fileMark(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return `${file} ${size} ${mtimeMs}`;
}

/** Removes the roots of earlier lives that are not among `kept`. */
export function sweepRoots(folder: string, kept: readonly string[]): void {
  for (const name of readdirSync(folder))
    if (name.startsWith('root-') && !kept.includes(join(folder, name))) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Builds a root with `fill`, or takes the one that is there already. */
export async function buildRoot(root: string, fill: (draft: string) => void | Promise<void>): Promise<void> {
  if (existsSync(root)) return;
  const draft = `${root}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  try {
    layOut(draft);
    await fill(draft);
    renameSync(draft, root);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** What every root has: places to mount on, and who the one user is. */
function layOut(root: string): void {
  for (const name of ['bin', 'etc', 'dev/shm', 'proc', 's', 'tmp', 'runtime'])
    mkdirSync(join(root, name), { recursive: true, mode: 0o755 });
  // Places to bind the devices on: the root is read-only by then.
  for (const name of ['null', 'zero', 'urandom']) writeFileSync(join(root, 'dev', name), '');
  writeFileSync(join(root, 'etc/passwd'), 'action:x:1000:1000:action:/tmp:/bin/false\n');
  writeFileSync(join(root, 'etc/group'), 'action:x:1000:\n');
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost sandbox\n::1 localhost\n');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
}

const listLibraries = promisify(execFile);

/**
 * Paths of the shared libraries of programs and of their loader; none where they are static, or where this system has no bubblewrap to give them
 * to. Throws where there is no `ldd` to ask.
 */
export async function librariesOf(programs: readonly string[]): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  let listing: string;
  try {
    listing = (await listLibraries('ldd', [...programs], { timeout: 20_000, maxBuffer: 4 * 1024 * 1024 })).stdout;
  } catch (cause) {
    const { code, stdout } = cause as { code?: unknown; stdout?: string };
    if (code === 'ENOENT') throw new Error('ldd is missing: install it with `apt-get install libc-bin`', { cause });
    listing = stdout ?? ''; // of those that are "not a dynamic executable" nothing is listed
  }
  const found = listing.split('\n').flatMap((line) => /(?:=>\s*|^\s*)(\/\S+)\s+\(0x/.exec(line)?.[1] ?? []);
  return [...new Set(found)];
}

/** Puts a file into a root: a link where the file system allows (one file on disk and in memory for all spawners of a machine), else a copy. */
export function place(name: string, to: string, mode: number): void {
  const from = realpathSync(name);
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  const { mode: has, atime, mtime } = statSync(from);
  if ((has & 0o777) === mode) {
    try {
      linkSync(from, to);
      return;
    } catch {
      // another file system, or a kernel that protects links
    }
  }
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, mode);
  // What was compiled from a file goes by its time.
  utimesSync(to, atime, mtime);
}
