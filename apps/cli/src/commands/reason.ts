import { z } from 'zod';
import type { Because } from '#libs/routing';

const Place = z.object({ lat: z.number(), lon: z.number(), city: z.string().optional() });

/** What a router remembers of one request. */
export const TraceSchema = z.object({
  atMs: z.number(),
  method: z.string(),
  path: z.string(),
  caller: z.object({ network: z.string().nullable(), place: Place.nullable() }),
  because: z.custom<Because>((value) => value !== null && typeof value === 'object' && 'kind' in value),
  order: z.array(z.string()),
  attempts: z.array(
    z.object({ region: z.string(), outcome: z.string(), status: z.number().optional(), detail: z.string().optional(), tookMs: z.number() }),
  ),
});
export type Trace = z.infer<typeof TraceSchema>;

/** The answer to `why`: the router's decisions about a transaction and the word of every region. */
export const WhySchema = z.object({ transid: z.string(), router: z.array(TraceSchema), regions: z.record(z.string(), z.unknown()) });

/** Why a region was chosen, in words. */
export function reasonText(because: Because): string {
  switch (because.kind) {
    case 'nearest':
      return `nearest healthy region, ${Math.round(because.km)} km away${over(because.passedOver)}`;
    case 'default':
      return `the default, since the caller's place is not known (${because.caller.replaceAll('-', ' ')})${over(because.passedOver)}`;
    case 'pinned':
      return 'the caller asked for it';
    case 'owner':
      return 'it alone has what was asked for';
    case 'only-healthy':
      return `the only healthy one${over(because.passedOver)}`;
    case 'no-healthy-region':
      return 'no region was healthy';
  }
}

function over(regions: readonly string[]): string {
  return regions.length === 0 ? '' : `; ${regions.join(' and ')} ${regions.length === 1 ? 'is' : 'are'} nearer but down`;
}
