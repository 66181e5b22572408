import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modulesFingerprint, placeModules } from './modules.js';

/**
 * The read-only root that all sandboxes share: Node.js, the libraries it is linked with, and the runtime. Nothing else of this machine is in it.
 * All sandboxes run the same file, so that they share its pages in memory.
 */
export interface RuntimeRoot {
  /** Folder that becomes `/`. */
  readonly folder: string;
  /** Inside the root. */
  readonly node: string;
  readonly proxy: string;
}

const runtimeFolder = fileURLToPath(new URL('../runtime/nodejs/', import.meta.url));
const require = createRequire(import.meta.url);
/** Read by the runtime when it unpacks a zip. */
const packages = ['yauzl', 'pend'];

/** Builds the root in `folder`, or takes the one that is there already; older ones are removed. */
export function buildRuntimeRoot(folder: string, node: string): RuntimeRoot {
  const root = join(folder, `root-${fingerprint(node)}`);
  for (const name of readdirSync(folder))
    if (name.startsWith('root-') && join(folder, name) !== root) rmSync(join(folder, name), { recursive: true, force: true });
  if (!existsSync(root)) {
    const draft = `${root}.${process.pid}`;
    rmSync(draft, { recursive: true, force: true });
    fill(draft, node);
    renameSync(draft, root);
  }
  return { folder: root, node: '/bin/node', proxy: '/runtime/proxy.cjs' };
}

function fingerprint(node: string): string {
  const { size, mtimeMs } = statSync(node);
  const hash = createHash('sha256').update(`4 ${node} ${process.version} ${size} ${mtimeMs} ${librariesOf(node).join(' ')}`);
  hash.update(modulesFingerprint());
  for (const name of runtimeFiles()) hash.update(readFileSync(join(runtimeFolder, name)));
  return hash.digest('hex').slice(0, 12);
}

function runtimeFiles(): string[] {
  return readdirSync(runtimeFolder)
    .filter((name) => name.endsWith('.cjs'))
    .sort();
}

function fill(root: string, node: string): void {
  for (const name of ['bin', 'etc', 'dev', 'proc', 's', 'tmp', 'runtime/node_modules'])
    mkdirSync(join(root, name), { recursive: true, mode: 0o755 });
  // Places to bind the devices on: the root is read-only by then.
  for (const name of ['null', 'zero', 'urandom']) writeFileSync(join(root, 'dev', name), '');
  writeFileSync(join(root, 'etc/passwd'), 'action:x:1000:1000:action:/tmp:/bin/false\n');
  writeFileSync(join(root, 'etc/group'), 'action:x:1000:\n');
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost sandbox\n::1 localhost\n');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
  place(node, join(root, 'bin/node'), 0o755);
  for (const library of librariesOf(node)) place(library, join(root, library), 0o755);
  for (const name of runtimeFiles()) place(join(runtimeFolder, name), join(root, 'runtime', name), 0o644);
  for (const name of packages) placePackage(name, join(root, 'runtime/node_modules', name));
  placeModules(root, place);
}

/** Paths of the shared libraries of a program and of its loader; none where it is static. Throws where this system has no `ldd` to ask. */
export function librariesOf(program: string): string[] {
  let listing: string;
  try {
    listing = execFileSync('ldd', [program], { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error('ldd is missing: install it with `apt-get install libc-bin`', { cause });
    return []; // "not a dynamic executable"
  }
  return listing.split('\n').flatMap((line) => /(?:=>\s*|^\s*)(\/\S+)\s+\(0x/.exec(line)?.[1] ?? []);
}

function placePackage(name: string, to: string): void {
  const from = dirname(require.resolve(`${name}/package.json`, { paths: [dirname(require.resolve('yauzl/package.json'))] }));
  for (const file of readdirSync(from)) if (file.endsWith('.js') || file === 'package.json') place(join(from, file), join(to, file), 0o644);
}

/** A link where the file system allows (one file on disk and in memory for all spawners of a machine), else a copy. */
function place(name: string, to: string, mode: number): void {
  const from = realpathSync(name);
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  if (mode === 0o755 && (statSync(from).mode & 0o005) === 0o005) {
    try {
      linkSync(from, to);
      return;
    } catch {
      // another file system, or a kernel that protects links
    }
  }
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, mode);
}
