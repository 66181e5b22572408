import { parseArgs, type ParseArgsConfig } from 'node:util';
import { Refusal } from '../refusal.js';
import { DataFolder } from '../world/folder.js';

/** What a command gets from its surroundings. */
export interface Surroundings {
  /** Arguments after the command's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The project's root folder, below which `data` is the default. */
  readonly root: string;
  /** Writes a line on stdout. */
  readonly print: (text: string) => void;
  /** Writes a line on stderr. */
  readonly say: (text: string) => void;
}

/** One command: its exit code is 0 unless it returns another or throws. */
export interface Command {
  /** How to call it, after `isochrone`. */
  readonly usage: string;
  /** What it gives, in one line. */
  readonly about: string;
  run(surroundings: Surroundings): Promise<number | void>;
}

/** The options of every command. */
export interface Where {
  readonly port: number | undefined;
  readonly folder: DataFolder;
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** Reads a command's arguments: `--port`, `--data` and its own options, and exactly as many words as it names. Throws one line otherwise. */
export function readArguments(
  { args, env, root }: Surroundings,
  usage: string,
  words: readonly string[],
  options: Options = {},
): { where: Where; words: string[]; values: Readonly<Record<string, string | boolean | undefined>> } {
  let parsed;
  try {
    const all: Options = { ...options, port: { type: 'string' }, data: { type: 'string' } };
    parsed = parseArgs({ args: [...args], options: all, allowPositionals: true, strict: true });
  } catch (cause) {
    const [first = ''] = (cause instanceof Error ? cause.message : String(cause)).split(/[.\n]/);
    throw new Refusal(`${first}: isochrone ${usage}`, 2, { cause });
  }
  if (parsed.positionals.length !== words.length) {
    const asked = words.length === 0 ? 'takes no words' : `takes ${words.join(' ')}`;
    throw new Refusal(`this command ${asked}: isochrone ${usage}`, 2);
  }
  const values = parsed.values as Record<string, string | boolean | undefined>;
  const data = typeof values['data'] === 'string' ? values['data'] : (env['ISOCHRONE_DATA'] ?? `${root}/data`);
  return { where: { port: readPort(values['port'], usage), folder: new DataFolder(data) }, words: parsed.positionals, values };
}

function readPort(text: string | boolean | undefined, usage: string): number | undefined {
  if (typeof text !== 'string') return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new Refusal(`--port takes a number from 1 to 65535: isochrone ${usage}`, 2);
  return port;
}
