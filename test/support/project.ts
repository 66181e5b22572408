import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder, found from source and from `dist` alike. */
export const projectRoot = ((folder: string): string => {
  let at = folder;
  while (!existsSync(join(at, 'nest-cli.json'))) at = dirname(at);
  return at;
})(dirname(fileURLToPath(import.meta.url)));
