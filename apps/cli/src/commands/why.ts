import { z } from 'zod';
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

const Word = z.union([
  z.object({ unreachable: z.string() }),
  z.object({
    answer: z
      .object({
        activations: z.array(
          z.object({
            activationId: z.string(),
            namespace: z.string(),
            action: z.string(),
            version: z.string(),
            startType: z.string().optional(),
            attempt: z.number(),
            start: z.number(),
            waitMs: z.number().optional(),
            initMs: z.number().optional(),
            runMs: z.number().optional(),
            status: z.number(),
          }),
        ),
      })
      .nullable(),
  }),
]);

const outcomes = ['success', 'application error', 'action developer error', 'internal error'] as const;

/** What a region has to say of a transaction: the activations that were part of it. */
function regionLines(id: string, word: unknown): string[] {
  const parsed = Word.safeParse(word);
  if (!parsed.success) return [`${id}: says something that this version does not understand`];
  if ('unreachable' in parsed.data) return [`${id}: cannot be asked (${parsed.data.unreachable})`];
  return (parsed.data.answer?.activations ?? []).map((ran) => {
    const times = [
      ran.waitMs === undefined ? '' : `waited ${ran.waitMs} ms`,
      ran.initMs === undefined ? '' : `initialised in ${ran.initMs} ms`,
      ran.runMs === undefined ? '' : `ran for ${ran.runMs} ms`,
    ];
    const how = [
      outcomes[ran.status] ?? `status ${ran.status}`,
      ran.startType === undefined ? '' : `${ran.startType} start`,
      ...times,
    ].filter(Boolean);
    const again = ran.attempt > 1 ? `, attempt ${ran.attempt}` : '';
    return `${id}: ${ran.activationId} ran /${ran.namespace}/${ran.action}@${ran.version}${again}: ${how.join(', ')}`;
  });
}
