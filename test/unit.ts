/** Runs every *.spec of apps and libs in this one process; a spec that throws on import, and a tree without specs, fail the run. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const specs = ['apps', 'libs', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.spec\.[jt]s$/.test(name))
    .map((name) => join(root, folder, name)),
);
if (specs.length === 0) throw new Error('no spec found: was the build complete?');
for (const spec of specs.sort()) await import(pathToFileURL(spec).href);
