import { z } from 'zod';
import { Refusal } from '../refusal.js';
import { ofRegions } from './admin-answers.js';
import { readArguments, type Command } from './command.js';
import { askAdmin, findLiveWorld } from './live-world.js';
import { printing } from './admin-job.js';

const Entry = z.object({
  atMs: z.number(),
  operator: z.string(),
  what: z.string(),
  target: z.string(),
  origin: z.string(),
  status: z.number(),
  transid: z.string(),
});
const Audit = ofRegions(z.object({ entries: z.array(Entry) }));
const usage = 'audit [--since TIME] [--json]';

/** Shows what operators did. */
export const audit: Command = {
  usage,
  about: 'show administrative calls, the latest 1,000 of each region; TIME is a date, or an age such as 90m, 24h, 7d',
  async run(surroundings) {
    const { where, values } = readArguments(surroundings, usage, [], { since: { type: 'string' }, json: { type: 'boolean' } });
    const since = typeof values['since'] === 'string' ? readTime(values['since'], Date.now()) : 0;
    const { regions } = Audit.parse(await askAdmin(findLiveWorld(where), 'GET', `/audit?since=${since}`));
    const entries = Object.entries(regions).flatMap(([region, word]) =>
      'answer' in word ? (word.answer?.entries ?? []).map((entry) => ({ region, ...entry })) : [],
    );
    const silent = Object.entries(regions).flatMap(([region, word]) => ('unreachable' in word ? [region] : []));
    const sorted = entries.toSorted((a, b) => a.atMs - b.atMs);
    const lines = sorted.map(
      ({ atMs, region, operator, what, target, origin, status }) =>
        `${new Date(atMs).toISOString()}  ${region}  ${operator || 'a stranger'}  ${origin}  ${status}  ${what}  ${target}`,
    );
    printing(surroundings, values).tell({ entries: sorted, silent }, lines);
    if (silent.length > 0) surroundings.say(`not heard of: ${silent.join(', ')}`);
    return silent.length > 0 ? 1 : 0;
  },
};

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Epoch ms of a date, or of so long before now. */
export function readTime(text: string, nowMs: number): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = count === undefined ? Date.parse(text) : nowMs - Number(count) * (units[unit] ?? 0);
  if (Number.isNaN(ms)) throw new Refusal(`'${text}' is neither a date nor an age such as 90m, 24h, 7d: isochrone ${usage}`, 2);
  return Math.max(0, ms);
}
