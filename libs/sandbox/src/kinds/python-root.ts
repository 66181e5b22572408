import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { Python } from './python.js';
import { buildRoot, fileMark, librariesOf, place, rootFolder, type RuntimeRoot } from './root.js';

const runtimeFolder = fileURLToPath(new URL('../runtime/python/', import.meta.url));
/** Parts of the standard library that no action needs: tests, windows, installers, what extensions are built with, and what others installed. */
const leftOut =
  /^(?:test|tests|idlelib|idle_test|tkinter|turtledemo|ensurepip|site-packages|dist-packages|config-.*|sitecustomize\.py|EXTERNALLY-MANAGED)$/;
const home = 'python';
const certificates = '/etc/ssl/cert.pem';
const zones = '/usr/share/zoneinfo';

/** Where the root of a Python stands, built or not. */
export function pythonRootFolder(folder: string, python: Python): string {
  const { program, version, stdlib, dynamic } = python;
  const marks = [program, stdlib, ...(existsSync(dynamic) ? [dynamic] : [])].map(fileMark);
  return rootFolder(folder, ['python', version, ...marks, ...runtimeFiles().map((name) => readFileSync(join(runtimeFolder, name)))]);
}

/**
 * The root of a Python, built where it is not there yet. Its standard library is in the root itself, file by file, wherever it came from: an
 * installation below somebody's home cannot be shown to sandboxes, and what else lies in it is nobody's business.
 */
export async function pythonRoot(folder: string, python: Python): Promise<RuntimeRoot> {
  const root = pythonRootFolder(folder, python);
  await buildRoot(root, (draft) => fill(draft, python));
  return {
    folder: root,
    program: `/${home}/bin/python3`,
    host: python.program,
    entry: '/runtime/proxy.py',
    flags: () => ['-I', '-B', '-X', 'utf8'],
    environment: (at) => ({
      PATH: `${at}/${home}/bin:${at === '' ? '/bin' : '/usr/bin:/bin'}`,
      SSL_CERT_FILE: `${at}${certificates}`,
      // Outside of the root, for an installation whose own library lies where sandboxes cannot look.
      ...(at === '' ? {} : { LD_LIBRARY_PATH: `${at}/${home}/lib` }),
    }),
  };
}

async function fill(root: string, python: Python): Promise<void> {
  const { program, base, stdlib, dynamic } = python;
  place(program, join(root, home, 'bin/python3'), 0o755);
  for (const from of new Set([stdlib, dynamic])) {
    const inside = join(root, home, relative(base, from));
    // A standard library that is in one piece has been placed with its first part.
    if (!existsSync(inside)) await placeTree(from, inside);
  }
  const extensions = existsSync(dynamic) ? readdirSync(dynamic).filter((name) => name.endsWith('.so')) : [];
  for (const library of await librariesOf([program, ...extensions.map((name) => join(dynamic, name))])) {
    place(library, join(root, library), statSync(library).mode & 0o777);
    if (/\/libpython[^/]*$/.test(library)) place(library, join(root, home, 'lib', library.split('/').at(-1) ?? ''), 0o755);
  }
  for (const name of runtimeFiles()) place(join(runtimeFolder, name), join(root, 'runtime', name), 0o644);
  mkdirSync(dirname(join(root, certificates)), { recursive: true, mode: 0o755 });
  writeFileSync(join(root, certificates), `${rootCertificates.join('\n')}\n`, { mode: 0o644 });
  if (existsSync(zones)) await placeTree(zones, join(root, zones));
}

/** Files of a folder and below. Links are followed, for what they lead to may not be in the root; those that lead nowhere are left out. */
async function placeTree(from: string, to: string, depth = 0): Promise<void> {
  if (depth > 8) return;
  // Others are served meanwhile.
  await setImmediate();
  for (const name of readdirSync(from)) {
    if (leftOut.test(name)) continue;
    const at = join(from, name);
    if (!existsSync(at)) continue;
    const status = statSync(at);
    if (status.isDirectory()) await placeTree(at, join(to, name), depth + 1);
    else if (status.isFile()) place(at, join(to, name), status.mode & 0o111 ? 0o755 : 0o644);
  }
}

function runtimeFiles(): string[] {
  const parts = readdirSync(join(runtimeFolder, '_isochrone')).map((name) => join('_isochrone', name));
  return ['proxy.py', ...parts].filter((name) => name.endsWith('.py')).sort();
}
