import { readArguments, type Command } from './command.js';
import { askAdmin, findLiveWorld } from './live-world.js';
import { reasonText, WhySchema, type Trace } from './reason.js';

/** Tells what became of one request. */
export const why: Command = {
  usage: 'why TRANSID [--data DIR]',
  about: 'tell where a request went and why (its id is in X-Request-ID of the answer, and in `code` of an error)',
  async run(surroundings) {
    const { where, words } = readArguments(surroundings, why.usage, ['TRANSID']);
    const [transid = ''] = words;
    const { router, regions } = WhySchema.parse(await askAdmin(findLiveWorld(where), 'GET', `/why/${encodeURIComponent(transid)}`));
    const told = Object.entries(regions).flatMap(([id, word]) => regionLines(id, word));
    if (router.length === 0 && told.length === 0) {
      surroundings.say(`nothing is known of ${transid}: the router keeps its last 10,000 requests`);
      return 1;
    }
    for (const line of [...router.flatMap(traceLines), ...told]) surroundings.print(line);
    return 0;
  },
};

function traceLines({ atMs, method, path, caller, because, order, attempts }: Trace): string[] {
  const place = caller.place === null ? 'place unknown' : caller.place.city || `${caller.place.lat}, ${caller.place.lon}`;
  return [
    `${new Date(atMs).toISOString()}  ${method} ${path}`,
    `  caller   ${caller.network ?? 'network unknown'} (${place})`,
    `  route    ${order.join(', then ') || 'none'}: ${reasonText(because)}`,
    ...attempts.map(({ region, outcome, status, detail, tookMs }) => {
      const how = [outcome, status === undefined ? '' : `with ${status}`, `after ${Math.round(tookMs)} ms`].filter(Boolean).join(' ');
      return `  tried    ${region}: ${how}${detail === undefined ? '' : ` (${detail})`}`;
    }),
  ];
}

/** What a region has to say: `answer` is null where it knows nothing. */
function regionLines(id: string, word: unknown): string[] {
  if (word === null || typeof word !== 'object') return [];
  if ('unreachable' in word) return [`${id}: cannot be asked (${String(word.unreachable)})`];
  const answer = 'answer' in word ? word.answer : undefined;
  if (answer === null || answer === undefined || isEmpty(answer)) return [];
  return [
    `${id}:`,
    ...JSON.stringify(answer, null, 2)
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}

function isEmpty(answer: object | string | number | boolean): boolean {
  return typeof answer === 'object' && Object.values(answer).every((value) => Array.isArray(value) && value.length === 0);
}
