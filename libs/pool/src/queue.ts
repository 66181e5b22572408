/**
 * Calls that wait for a place. Who is next: the namespace whose running sandboxes hold the least memory, then the one whose last turn is
 * longest ago, then the first to come; inside a namespace, the first to come of those that can be placed.
 *
 * Example: room for one sandbox, A has waited with 1000 calls when B's single call comes. The next free place is A's or B's by turn, so B
 * waits for at most one call of A, never for 1000.
 *
 * A call that needs more memory than ever comes free at once would starve behind small ones: once the oldest call of the namespace whose turn
 * it is has waited for more than `patienceMs`, nobody else is given memory before it. Calls that fit into a warm sandbox of theirs still pass, so a pool whose sandboxes
 * never fall idle can keep it waiting: that is the known limit.
 */
import { invariant, type NamespaceId } from '#libs/domain';
import { place, type Placement } from './place.js';
import { sameTenant, type Job, type Pool, type Tenant } from './pool.js';

/** A call in the queue; `ticket` is the caller's name for it. */
export interface Waiting<T> {
  readonly ticket: T;
  readonly job: Job;
  readonly sinceMs: number;
}

/** Bounds of a queue: calls in all and of one namespace, and bytes in all. */
export interface QueueBounds {
  readonly depthMax: number;
  readonly namespaceDepthMax: number;
  readonly bytesMax: number;
  readonly patienceMs: number;
}

/** The queue as a value. Namespaces stand in it while they have calls waiting. */
export interface WaitQueue<T> {
  readonly byNamespace: ReadonlyMap<NamespaceId, { readonly calls: readonly Waiting<T>[]; readonly lastTurn: number }>;
  readonly depth: number;
  readonly bytes: number;
  readonly turn: number;
}

/** Nobody waits. */
export function emptyQueue<T>(): WaitQueue<T> {
  return { byNamespace: new Map(), depth: 0, bytes: 0, turn: 0 };
}

/** The queue with one more call, or undefined where a bound would be exceeded. */
export function enqueue<T>(queue: WaitQueue<T>, call: Waiting<T>, bounds: QueueBounds): WaitQueue<T> | undefined {
  const { ns } = call.job.tenant;
  const own = queue.byNamespace.get(ns) ?? { calls: [], lastTurn: 0 };
  if (queue.depth >= bounds.depthMax || own.calls.length >= bounds.namespaceDepthMax) return undefined;
  if (queue.bytes + call.job.bytes > bounds.bytesMax) return undefined;
  return {
    ...queue,
    byNamespace: new Map(queue.byNamespace).set(ns, { ...own, calls: [...own.calls, call] }),
    depth: queue.depth + 1,
    bytes: queue.bytes + call.job.bytes,
  };
}

/** The queue without a call, because it was placed (`served`) or given up. */
export function dequeue<T>(queue: WaitQueue<T>, call: Waiting<T>, served: boolean): WaitQueue<T> {
  const { ns } = call.job.tenant;
  const own = queue.byNamespace.get(ns);
  invariant(own !== undefined && own.calls.includes(call), 'a call leaves the queue once');
  const turn = queue.turn + (served ? 1 : 0);
  const calls = own.calls.filter((c) => c !== call);
  const byNamespace = new Map(queue.byNamespace);
  if (calls.length > 0) byNamespace.set(ns, { calls, lastTurn: served ? turn : own.lastTurn });
  else byNamespace.delete(ns);
  return { byNamespace, depth: queue.depth - 1, bytes: queue.bytes - call.job.bytes, turn };
}

/** The call that is to be placed next and where, or undefined while all have to wait. */
export function next<T>(
  queue: WaitQueue<T>,
  pool: Pool,
  nowMs: number,
  { patienceMs }: Pick<QueueBounds, 'patienceMs'>,
): { call: Waiting<T>; placement: Exclude<Placement, { start: 'wait' }> } | undefined {
  const turns = order(queue, pool);
  const urgent = mostUrgent(queue, pool, turns[0], nowMs - patienceMs);
  if (urgent && urgent.placement.start !== 'wait') return { call: urgent.call, placement: urgent.placement };
  for (const ns of turns) {
    const tried: Tenant[] = [];
    for (const call of queue.byNamespace.get(ns)?.calls ?? []) {
      if (tried.some((tenant) => sameTenant(tenant, call.job.tenant))) continue;
      const placement = place(pool, call.job, urgent === undefined);
      if (placement.start !== 'wait') return { call, placement };
      tried.push(call.job.tenant);
    }
  }
  return undefined;
}

/** Every waiting call, namespace by namespace. */
export function waiting<T>(queue: WaitQueue<T>): Waiting<T>[] {
  return [...queue.byNamespace.values()].flatMap(({ calls }) => calls);
}

function order<T>(queue: WaitQueue<T>, pool: Pool): NamespaceId[] {
  if (queue.byNamespace.size <= 1) return [...queue.byNamespace.keys()];
  const heldMiB = new Map<NamespaceId, number>();
  for (const slot of pool.slots.values())
    if (slot.phase === 'bound' && slot.running > 0) heldMiB.set(slot.tenant.ns, (heldMiB.get(slot.tenant.ns) ?? 0) + slot.spec.memoryMiB);
  return [...queue.byNamespace]
    .map(([ns, { calls, lastTurn }]) => ({ ns, held: heldMiB.get(ns) ?? 0, lastTurn, since: calls[0]?.sinceMs ?? 0 }))
    .sort((a, b) => a.held - b.held || a.lastTurn - b.lastTurn || a.since - b.since)
    .map(({ ns }) => ns);
}

/**
 * The oldest call of the namespace whose turn it is, where it is from before `sinceMs` and waits for memory (not for its own limit of
 * instances), with its placement. Another namespace's patience does not count: it would let whoever fills the pool go on filling it.
 */
function mostUrgent<T>(
  queue: WaitQueue<T>,
  pool: Pool,
  ns: NamespaceId | undefined,
  sinceMs: number,
): { call: Waiting<T>; placement: Placement } | undefined {
  const call = ns === undefined ? undefined : queue.byNamespace.get(ns)?.calls[0];
  if (!call || call.sinceMs >= sinceMs) return undefined;
  const placement = place(pool, call.job);
  return placement.start !== 'wait' || placement.for === 'memory' ? { call, placement } : undefined;
}
