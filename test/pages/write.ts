/** `npm run docs`: writes the pages that come from tables of the code. */
import { writeFileSync } from 'node:fs';
import { generatedPages } from './generated.js';

for (const { file, text } of await generatedPages()) {
  writeFileSync(file, text);
  process.stdout.write(`${file}\n`);
}
