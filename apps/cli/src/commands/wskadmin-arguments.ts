/** The command line of OpenWhisk's `wskadmin`, which is argparse's: `-ns NS`, options anywhere, and options that take all words behind them. */
import { limitNames } from '#libs/domain';

/** One call: `user create`, the words behind it, and the values of its options by their long names. */
export interface WskadminCall {
  readonly command: string;
  readonly words: readonly string[];
  readonly values: Readonly<Record<string, readonly string[] | undefined>>;
}

type Arity = 0 | 1 | 'many';

/** Long name and number of values of each option, by how it may be written. */
const user: Readonly<Record<string, readonly [string, Arity]>> = {
  '-u': ['auth', 1],
  '--auth': ['auth', 1],
  '-ns': ['namespace', 1],
  '--namespace': ['namespace', 1],
  '-r': ['revoke', 0],
  '--revoke': ['revoke', 0],
  '-f': ['force', 0],
  '--force': ['force', 0],
  '-g': ['genonly', 0],
  '--genonly': ['genonly', 0],
  '-s': ['silent', 0],
  '--silent': ['silent', 0],
  '-a': ['all', 0],
  '--all': ['all', 0],
  '-p': ['pick', 1],
  '--pick': ['pick', 1],
  '-k': ['key', 0],
  '--key': ['key', 0],
};
const limits: typeof user = Object.fromEntries(
  limitNames.map((name) => [`--${name}`, [name, name === 'allowedKinds' ? 'many' : 1]] as const),
);
const ours = ['--port', '--data'];

/** Reads a command line; `rest` is what tells where the world is. `call` is undefined where it cannot be understood. */
export function readWskadmin(args: readonly string[]): { call: WskadminCall | undefined; rest: readonly string[] } {
  const rest: string[] = [];
  const words: string[] = [];
  const values: Record<string, string[]> = {};
  let unknown = false;
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const option = { ...user, ...limits }[arg];
    if (ours.includes(arg)) rest.push(arg, left.shift() ?? '');
    else if (option) values[option[0]] = take(left, option[1]);
    else if (arg.startsWith('-') && arg !== '-v' && arg !== '--verbose') unknown = true;
    else if (!arg.startsWith('-')) words.push(arg);
  }
  const [menu = '', subcommand = '', ...names] = words;
  const call = unknown || names.length === 0 ? undefined : { command: `${menu} ${subcommand}`, words: names, values };
  return { call, rest };
}

function take(left: string[], arity: Arity): string[] {
  if (arity !== 'many') return left.splice(0, arity);
  const end = left.findIndex((arg) => arg.startsWith('-'));
  return left.splice(0, end < 0 ? left.length : end);
}
