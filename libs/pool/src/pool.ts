/**
 * The sandboxes of one invoker, as a value. A slot is a sandbox or the room set aside for one:
 *
 *   making ─▶ stem ─┐
 *                   ├─▶ bound (one namespace, one action version, for life) ─▶ closing ─▶ gone
 *   room ───────────┘
 *
 * Every transition takes a pool and returns the next one; the shell performs what the decisions in `place`, `queue` and `upkeep` say and
 * records it here. Memory counts from the moment a slot exists until its process tree is known to be gone.
 */
import { invariant, type EntityId, type Hlc, type NamespaceId, type StemSpec } from '#libs/domain';

/** Names one slot for the life of the invoker; never given twice. */
export type SlotId = string & { readonly __slotId: unique symbol };

/** Whose calls may share a sandbox: one invoking namespace, one version of one action, reached one way (its binding, or none). */
export interface Tenant {
  readonly ns: NamespaceId;
  readonly entityId: EntityId;
  readonly hlc: Hlc;
  readonly binding: string | undefined;
}

/** A call that needs a place. `instances` is the most sandboxes its tenant may have here. */
export interface Job {
  readonly tenant: Tenant;
  readonly spec: StemSpec;
  readonly concurrency: number;
  readonly instances: number | undefined;
  /** What it holds in memory while it waits. */
  readonly bytes: number;
}

/** A slot that belongs to a tenant. */
export interface BoundSlot {
  readonly phase: 'bound';
  readonly spec: StemSpec;
  readonly tenant: Tenant;
  readonly concurrency: number;
  /** Calls that are inside, or that wait for its init. */
  readonly running: number;
  /** Whether its init has succeeded. */
  readonly ready: boolean;
  /** A retiring sandbox takes no more calls and is closed after its last. */
  readonly retiring: boolean;
  /** Since when nothing runs in it, epoch ms; meaningless while something does. */
  readonly idleSinceMs: number;
}

/** One slot of the pool. */
export type Slot =
  | { readonly phase: 'making'; readonly spec: StemSpec }
  | { readonly phase: 'stem'; readonly spec: StemSpec }
  | BoundSlot
  | { readonly phase: 'closing'; readonly spec: StemSpec };

/** All slots, keyed by their id, in the order they were made, and the memory they share. */
export interface Pool {
  readonly capacityMiB: number;
  readonly slots: ReadonlyMap<SlotId, Slot>;
}

/** A pool without slots. */
export function emptyPool(capacityMiB: number): Pool {
  return { capacityMiB, slots: new Map() };
}

/** Memory that no slot counts for, MiB. */
export function freeMiB(pool: Pool): number {
  let used = 0;
  for (const slot of pool.slots.values()) used += slot.spec.memoryMiB;
  return pool.capacityMiB - used;
}

/** Whether two tenants are the same. */
export function sameTenant(a: Tenant, b: Tenant): boolean {
  return a.entityId === b.entityId && a.hlc === b.hlc && a.ns === b.ns && a.binding === b.binding;
}

/** Whether a bound slot is initialised and empty, and so may be evicted. */
export function isIdle(slot: Slot): slot is BoundSlot {
  return slot.phase === 'bound' && slot.ready && slot.running === 0;
}

/** Sets room aside for a stem that is being made. */
export function makeStem(pool: Pool, id: SlotId, spec: StemSpec): Pool {
  invariant(!pool.slots.has(id), 'a slot id is new');
  invariant(spec.memoryMiB <= freeMiB(pool), 'a stem fits the free memory');
  return put(pool, id, { phase: 'making', spec });
}

/** The stem is there. */
export function stemMade(pool: Pool, id: SlotId): Pool {
  const slot = pool.slots.get(id);
  return slot?.phase === 'making' ? put(pool, id, { phase: 'stem', spec: slot.spec }) : pool;
}

/** Gives a call a place in a slot: a bound one of its tenant, a stem, or (an id not in the pool) room for a cold start. */
export function reserve(pool: Pool, id: SlotId, job: Job): Pool {
  const slot = pool.slots.get(id);
  const { spec, tenant, concurrency } = job;
  if (slot?.phase === 'bound') {
    invariant(sameTenant(slot.tenant, tenant), 'a sandbox has one tenant for life');
    invariant(!slot.retiring && slot.running < slot.concurrency, 'a reserved sandbox has room');
    return put(pool, id, { ...slot, running: slot.running + 1 });
  }
  if (slot) invariant(slot.phase === 'stem' && sameSpec(slot.spec, spec), 'a stem is of the kind and memory that the call needs');
  else invariant(spec.memoryMiB <= freeMiB(pool), 'a cold start fits the free memory');
  return put(pool, id, { phase: 'bound', spec, tenant, concurrency, running: 1, ready: false, retiring: false, idleSinceMs: 0 });
}

/** The slot's init has succeeded. */
export function initialised(pool: Pool, id: SlotId): Pool {
  const slot = pool.slots.get(id);
  return slot?.phase === 'bound' ? put(pool, id, { ...slot, ready: true }) : pool;
}

/** A call has left its slot; `keep` is false when the sandbox must not be used again. A slot that is gone already stays gone. */
export function release(pool: Pool, id: SlotId, keep: boolean, nowMs: number): Pool {
  const slot = pool.slots.get(id);
  if (slot?.phase !== 'bound') return pool;
  invariant(slot.running > 0, 'a call leaves once');
  return put(pool, id, { ...slot, running: slot.running - 1, retiring: slot.retiring || !keep, idleSinceMs: nowMs });
}

/** Lets no more calls into a slot. */
export function retire(pool: Pool, id: SlotId): Pool {
  const slot = pool.slots.get(id);
  return slot?.phase === 'bound' ? put(pool, id, { ...slot, retiring: true }) : pool;
}

/** The slot's process tree is being ended. */
export function close(pool: Pool, id: SlotId): Pool {
  const slot = pool.slots.get(id);
  return slot && slot.phase !== 'closing' ? put(pool, id, { phase: 'closing', spec: slot.spec }) : pool;
}

/** The slot's process tree is gone, and its memory free. */
export function gone(pool: Pool, id: SlotId): Pool {
  if (!pool.slots.has(id)) return pool;
  const slots = new Map(pool.slots);
  slots.delete(id);
  return { ...pool, slots };
}

/** Whether a stem of one spec serves calls of another. */
export function sameSpec(a: StemSpec, b: StemSpec): boolean {
  return a.kind === b.kind && a.memoryMiB === b.memoryMiB;
}

function put(pool: Pool, id: SlotId, slot: Slot): Pool {
  return { ...pool, slots: new Map(pool.slots).set(id, slot) };
}
