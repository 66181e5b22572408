import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modulesFingerprint, placeModules } from './modules.js';
import { buildRoot, fileMark, librariesOf, place, rootFolder, type RuntimeRoot } from './root.js';

const runtimeFolder = fileURLToPath(new URL('../runtime/nodejs/', import.meta.url));
const require = createRequire(import.meta.url);
/** Read by the runtime when it unpacks a zip. */
const packages = ['yauzl', 'pend'];

/** Where the root of a Node.js stands, built or not. */
export function nodeRootFolder(folder: string, node: string): string {
  return rootFolder(folder, [
    'nodejs',
    fileMark(node),
    modulesFingerprint(),
    ...runtimeFiles().map((name) => readFileSync(join(runtimeFolder, name))),
  ]);
}

/** The root of a Node.js, built where it is not there yet. */
export async function nodeRoot(folder: string, node: string): Promise<RuntimeRoot> {
  const root = nodeRootFolder(folder, node);
  await buildRoot(root, async (draft) => {
    place(node, join(draft, 'bin/node'), 0o755);
    for (const library of await librariesOf([node])) place(library, join(draft, library), 0o755);
    for (const name of runtimeFiles()) place(join(runtimeFolder, name), join(draft, 'runtime', name), 0o644);
    for (const name of packages) placePackage(name, join(draft, 'runtime/node_modules', name));
    placeModules(draft);
  });
  return {
    folder: root,
    program: '/bin/node',
    host: node,
    entry: '/runtime/proxy.cjs',
    // V8 gives up before the kernel kills, where it can: its message is the better one. Actions may call `global.gc`, as in OpenWhisk's image.
    flags: (memoryMiB) => ['--expose-gc', `--max-old-space-size=${Math.floor(memoryMiB * 0.75)}`],
    // Inside, packages are found from every folder, and whatever Node.js runs there reaches the egress gateway, where the slot has one.
    environment: (at) => (at === '' ? { NODE_OPTIONS: '--require=/runtime/egress.cjs' } : { NODE_PATH: `${at}/node_modules` }),
  };
}

function runtimeFiles(): string[] {
  return readdirSync(runtimeFolder)
    .filter((name) => name.endsWith('.cjs'))
    .sort();
}

function placePackage(name: string, to: string): void {
  const from = dirname(require.resolve(`${name}/package.json`, { paths: [dirname(require.resolve('yauzl/package.json'))] }));
  for (const file of readdirSync(from)) if (file.endsWith('.js') || file === 'package.json') place(join(from, file), join(to, file), 0o644);
}
