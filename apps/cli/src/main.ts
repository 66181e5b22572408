import { fileURLToPath } from 'node:url';
import { run } from './run.js';

/** The project's root, above dist/apps/cli/src. */
const root = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');

// A reader that went away, such as `head`, must not end a world.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  root,
  print: (text) => void process.stdout.write(`${text}\n`),
  say: (text) => void process.stderr.write(`${text}\n`),
});
