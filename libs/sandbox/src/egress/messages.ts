import { z } from 'zod';

/** What the driver tells the gateway's process. `serve` comes with the listener itself. */
export const EgressOrder = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('begin'),
    rules: z.object({
      mode: z.enum(['open', 'listed', 'none']),
      ports: z.array(z.string()),
      allow: z.array(z.string()),
      apis: z.array(z.string()),
    }),
    nameServers: z.array(z.string()),
    name: z.string(),
    logLevel: z.enum(['error', 'warn', 'log', 'debug']),
  }),
  z.object({ op: z.literal('serve'), id: z.string() }),
  z.object({ op: z.literal('name'), id: z.string(), namespace: z.string(), action: z.string() }),
  z.object({ op: z.literal('end'), id: z.string() }),
]);
export type EgressOrder = z.infer<typeof EgressOrder>;
