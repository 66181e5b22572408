import { z } from 'zod';

/**
 * What invoker and spawner say to each other, in frames of libs/wire. HELLO first, both ways; then RUN frames carry commands and RESULT frames
 * events about the slot that the frame's id names; LOG frames carry what the sandbox itself wrote to its descriptors 1 and 2.
 */

/** A command's head. */
export const Command = z.discriminatedUnion('op', [
  z.object({ op: z.literal('create'), kind: z.string(), memoryMiB: z.number().int().min(32).max(1_048_576) }),
  z.object({ op: z.enum(['kill', 'freeze', 'thaw', 'drain']) }),
]);
export type Command = z.infer<typeof Command>;

/** How a process tree ended. */
export type ExitCause = 'killed' | 'exited' | 'out-of-memory';

/** An event's head. */
export const SlotEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('refused'), reason: z.string() }),
  z.object({ event: z.literal('exited'), cause: z.enum(['killed', 'exited', 'out-of-memory']) }),
  z.object({ event: z.enum(['frozen', 'thawed', 'drained']) }),
]);
export type SlotEvent = z.infer<typeof SlotEvent>;

/** What a client says first. */
export const ClientHello = z.object({ token: z.string(), name: z.string().default('') });

/** What the spawner answers: what isolates sandboxes here, and the folder in which the client listens for them. */
export const SpawnerHello = z.object({
  role: z.literal('spawner'),
  sandbox: z.object({
    driver: z.enum(['native', 'process']),
    isolated: z.boolean(),
    warnings: z.array(z.string()),
    kinds: z.array(z.string()),
  }),
  slots: z.string(),
});

/** Where, inside the slots folder, the client listens for the sandbox with this id. Short: a unix path has 107 bytes. */
export function slotFolder(id: string): string {
  return id.slice(0, 16);
}

/** The socket's name in its slot's folder. */
export const socketName = 's';

/** Name of the socket beside it by which the sandbox reaches the egress gateway, where it has one. */
export const egressName = 'e';
