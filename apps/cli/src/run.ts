import { audit } from './commands/audit.js';
import { keys } from './commands/keys.js';
import { limits } from './commands/limits.js';
import { wskadmin } from './commands/wskadmin.js';
import { doctor } from './commands/doctor.js';
import type { Command, Surroundings } from './commands/command.js';
import { helpText } from './commands/help.js';
import { importEntities } from './commands/import.js';
import { kinds } from './commands/kinds.js';
import { kill, start } from './commands/regions.js';
import { status } from './commands/status.js';
import { subjects } from './commands/subjects.js';
import { tryOut } from './commands/try.js';
import { up } from './commands/up.js';
import { why } from './commands/why.js';
import { Refusal } from './refusal.js';

const commands: Readonly<Record<string, Command>> = {
  up,
  try: tryOut,
  status,
  kill,
  start,
  doctor,
  kinds,
  why,
  subjects,
  limits,
  keys,
  audit,
  wskadmin,
  import: importEntities,
};

/** Runs one command and returns its exit code. What went wrong stands as one line on stderr. */
export async function run(args: readonly string[], surroundings: Omit<Surroundings, 'args'>): Promise<number> {
  const [name = 'help', ...rest] = args;
  try {
    if (['help', '--help', '-h'].includes(name) || rest.includes('--help')) {
      surroundings.print(helpText(Object.values(commands)));
      return 0;
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) throw new Refusal(`'${name}' is no command: \`isochrone help\` names them`, 2);
    return (await command.run({ ...surroundings, args: rest })) ?? 0;
  } catch (error) {
    if (error instanceof Refusal) {
      surroundings.say(`isochrone: ${error.message.replaceAll(/\s*\n\s*/g, ' ')}`);
      return error.exitCode;
    }
    surroundings.say(`isochrone: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return 1;
  }
}
