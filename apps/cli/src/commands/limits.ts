import { limitNames, type LimitName } from '#libs/domain';
import { Refusal } from '../refusal.js';
import { LimitsAnswer, segment } from './admin-answers.js';
import { readArguments, type Command } from './command.js';
import { askAdmin, findLiveWorld } from './live-world.js';
import { printing } from './admin-job.js';

const texts: readonly LimitName[] = ['maxParameterSize', 'maxPayloadSize', 'truncationSize'];
const options = Object.fromEntries(
  [...limitNames, 'json'].map((name) => [name, { type: name === 'json' ? 'boolean' : 'string' }] as const),
);

/** Sets, shows and takes back what a namespace may, where it differs from the world's limits. */
export const limits: Command = {
  usage: 'limits get NS | set NS --LIMIT VALUE … | delete NS [LIMIT,…]',
  about: 'give a namespace limits of its own; they hold in every region within seconds',
  async run(surroundings) {
    const [verb = '', ...args] = surroundings.args;
    const inner = { ...surroundings, args };
    if (verb === 'set') {
      const { where, words, values } = readArguments(
        inner,
        `limits set NS ${limitNames.map((name) => `[--${name} V]`).join(' ')}`,
        ['NS'],
        options,
      );
      const given = limitNames.flatMap((name) =>
        typeof values[name] === 'string' ? [[name, readLimit(name, values[name])] as const] : [],
      );
      if (given.length === 0)
        throw new Refusal(`name a limit to set, such as --invocationsPerMinute 100; known are ${limitNames.join(', ')}`, 2);
      const answer = LimitsAnswer.parse(await askAdmin(findLiveWorld(where), 'PUT', pathOf(words), Object.fromEntries(given)));
      return printing(surroundings, values).tell(answer, linesOf(answer));
    }
    if (verb !== 'get' && verb !== 'delete') throw new Refusal(`'limits ${verb}' is no command: isochrone ${limits.usage}`, 2);
    const named = verb === 'delete' && args[1] !== undefined && !args[1].startsWith('-') ? ['NS', 'LIMIT,…'] : ['NS'];
    const { where, words, values } = readArguments(inner, `limits ${verb} ${named.join(' ')}`, named, { json: { type: 'boolean' } });
    const { tell } = printing(surroundings, values);
    if (verb === 'get') {
      const answer = LimitsAnswer.parse(await askAdmin(findLiveWorld(where), 'GET', pathOf(words)));
      return tell(answer, linesOf(answer));
    }
    const query = words[1] === undefined ? '' : `?names=${segment(words[1])}`;
    const answer = await askAdmin(findLiveWorld(where), 'DELETE', `${pathOf(words)}${query}`);
    tell(answer as object, [`the limits of ${words[0]} are the world's again`]);
  },
};

function pathOf([namespace = '']: readonly string[]): string {
  return `/limits/${segment(namespace)}`;
}

function linesOf({ limits: own }: { readonly limits: object }): string[] {
  const lines = Object.entries(own).map(([name, value]) => `${name} = ${Array.isArray(value) ? value.join(', ') : String(value)}`);
  return lines.length === 0 ? ["none of its own: the world's limits hold"] : lines;
}

/** A limit's value from text. */
export function readLimit(name: LimitName, text: string): number | boolean | string | string[] {
  if (name === 'allowedKinds') return text.split(',').map((kind) => kind.trim());
  if (texts.includes(name)) return text;
  if (name === 'storeActivations') {
    if (/^(yes|true)$/i.test(text)) return true;
    if (/^(no|false)$/i.test(text)) return false;
    throw new Refusal(`${text} is not a valid boolean.`, 2);
  }
  if (!/^\d+$/.test(text)) throw new Refusal(`--${name} takes a whole number, not '${text}'`, 2);
  return Number(text);
}
