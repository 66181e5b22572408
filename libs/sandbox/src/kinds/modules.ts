import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { place } from './root.js';

/** What Node.js actions may require without bringing it; a folder of its own, for its packages do not go with the platform's. */
const source = fileURLToPath(new URL('../../../../../libs/sandbox/modules/nodejs/', import.meta.url));
const installed = join(source, 'node_modules');

/** What an operator must know where the packages are missing. */
export function missingModules(): string | undefined {
  if (existsSync(join(installed, '.package-lock.json'))) return undefined;
  return `Actions cannot require packages they do not bring, such as openwhisk: run npm ci in ${source}.`;
}

/** Tells one set of packages from another. */
export function modulesFingerprint(): string {
  return missingModules() === undefined
    ? createHash('sha256')
        .update(readFileSync(join(installed, '.package-lock.json')))
        .digest('hex')
    : 'none';
}

/** Puts the packages at the root's top, where code finds them from every folder by CommonJS and ES modules alike. */
export function placeModules(root: string): void {
  if (missingModules() === undefined) placeTree(installed, join(root, 'node_modules'));
}

function placeTree(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const [name, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) placeTree(name, target);
    else if (entry.isFile()) place(name, target, 0o644);
  }
}
