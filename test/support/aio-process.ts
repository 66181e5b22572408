/** A process of its own that holds Adobe's runtime plugin and runs one command after another: to load it for each command takes a second. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { projectRoot } from './project.js';

/** What the parent asks for: the words after `aio`; none asks which commands there are. */
export interface Asked {
  readonly args?: readonly string[];
}

/** What became of it. */
export interface Ran {
  readonly out: string;
  /** The error that the command ended with, as `aio` shows it. */
  readonly error?: string;
}

interface Config {
  readonly commands: readonly { readonly id: string; readonly aliases: readonly string[] }[];
}
interface Core {
  readonly Config: { load(root: string): Promise<Config> };
  run(args: readonly string[], config: Config): Promise<unknown>;
}

const required = createRequire(join(projectRoot, 'test/conformance/clients/package.json'));
/** The plugin is a whole command set; this is all of `aio` that it needs. */
const core = required('@oclif/core') as Core;
const root = dirname(required.resolve('@adobe/aio-cli-plugin-runtime/package.json'));

let out = '';
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk: string | Uint8Array, encoding?: unknown, done?: (error?: Error) => void): boolean => {
    out += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    (typeof encoding === 'function' ? (encoding as () => void) : done)?.();
    return true;
  };
}

process.on('message', ({ args }: Asked) => void answer(args).then((ran) => process.send?.(ran)));

async function answer(args: readonly string[] | undefined): Promise<Ran> {
  const config = await core.Config.load(root); // anew each time: showing help spoils it
  if (!args) {
    const aliases = new Set(config.commands.flatMap((command) => command.aliases));
    return { out: JSON.stringify(config.commands.map(({ id }) => id).filter((id) => !aliases.has(id))) };
  }
  out = '';
  try {
    await core.run(args, config);
    return { out };
  } catch (error) {
    return { out, error: error instanceof Error ? error.message : String(error) };
  }
}
