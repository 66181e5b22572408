import { guestKey } from '../world/guest.js';
import { Host } from '../import/host.js';
import { Importer, type Report } from '../import/importer.js';
import { Refusal } from '../refusal.js';
import { readArguments, type Command } from './command.js';
import { findLiveWorld } from './live-world.js';

/** Brings the entities of a namespace of any OpenWhisk into a world. */
export const importEntities: Command = {
  usage: 'import --from HOST --auth KEY [--to HOST] [--to-auth KEY] [--kinds OLD=NEW,…]',
  about: 'bring packages, actions, triggers, rules and APIs of a namespace of any OpenWhisk here (default: guest of the running world)',
  async run(surroundings) {
    const { where, values } = readArguments(surroundings, importEntities.usage, [], {
      from: { type: 'string' },
      auth: { type: 'string' },
      to: { type: 'string' },
      'to-auth': { type: 'string' },
      kinds: { type: 'string' },
    });
    const [source, key, target, targetKey] = ['from', 'auth', 'to', 'to-auth'].map((name) => textOf(values[name]));
    if (source === undefined || key === undefined) throw new Refusal(`it takes --from and --auth: isochrone ${importEntities.usage}`, 2);
    if (target !== undefined && targetKey === undefined)
      throw new Refusal(`--to takes --to-auth with it: isochrone ${importEntities.usage}`, 2);
    const kinds = readKinds(textOf(values['kinds']) ?? '');
    const from = await Host.connect(source, key);
    const to = await Host.connect(target ?? findLiveWorld(where).url, targetKey ?? guestKey);
    surroundings.say(`namespace ${from.namespace} of ${from.url} goes to namespace ${to.namespace} of ${to.url}`);
    const report = await new Importer(from, to, kinds, surroundings.say).run();
    for (const line of reportLines(report)) surroundings.print(line);
    return report.troubles.length === 0 && report.tallies.every(({ there, here }) => there === here) ? 0 : 1;
  },
};

function reportLines({ tallies, troubles }: Report): string[] {
  const counts = tallies.map(
    ({ what, there, here, created, unchanged }) =>
      `${what.padEnd(10)} ${here} of ${there} are here${there === 0 ? '' : ` (${created} written, ${unchanged} unchanged)`}`,
  );
  return [
    ...counts,
    ...troubles.map(({ what, name, reason }) => `not brought over: ${what} ${name}: ${reason.replaceAll(/\s*\n\s*/g, ' ')}`),
  ];
}

/** Reads `nodejs:18=nodejs:20,…`. */
function readKinds(text: string): Map<string, string> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return new Map(
    pairs.map((pair): [string, string] => {
      const [old, now, ...rest] = pair.split('=');
      if (!old || !now || rest.length > 0)
        throw new Refusal(`--kinds takes OLD=NEW pairs, such as nodejs:18=nodejs:20; '${pair}' is none`, 2);
      return [old, now];
    }),
  );
}

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
