import { z } from 'zod';
import { Refusal } from '../refusal.js';
import { segment } from './admin-answers.js';
import { readArguments, type Command } from './command.js';
import { askAdmin, findLiveWorld, type LiveWorld } from './live-world.js';

const Page = z.object({ renewed: z.number(), next: z.string().nullable() });

/** Gives a namespace a new key for its code and secrets, and encrypts anew what stands. */
export const keys: Command = {
  usage: 'keys rotate NS | reencrypt NS',
  about: 'give a namespace a new key for its code and secrets; `reencrypt` goes on where a rotation was cut short',
  async run(surroundings) {
    const [verb = '', ...args] = surroundings.args;
    if (verb !== 'rotate' && verb !== 'reencrypt') throw new Refusal(`'keys ${verb}' is no command: isochrone ${keys.usage}`, 2);
    const { where, words } = readArguments({ ...surroundings, args }, `keys ${verb} NS`, ['NS']);
    const live = findLiveWorld(where);
    const path = `/namespaces/${segment(words[0] ?? '')}`;
    if (verb === 'rotate') {
      const { version } = z.object({ version: z.number() }).parse(await askAdmin(live, 'POST', `${path}/key`));
      surroundings.print(`key ${version} encrypts from now on`);
    }
    surroundings.print(`${await reencrypt(live, path)} rows were encrypted anew`);
  },
};

/** Page by page until there is none; each may be repeated. */
async function reencrypt(live: LiveWorld, path: string): Promise<number> {
  let total = 0;
  for (let after: string | null = ''; after !== null;) {
    const query: string = after === '' ? '' : `?after=${segment(after)}`;
    const { renewed, next } = Page.parse(await askAdmin(live, 'POST', `${path}/reencrypt${query}`));
    total += renewed;
    after = next;
  }
  return total;
}
