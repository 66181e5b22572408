import type { StemSpec } from '#libs/domain';
import { freeMiB, isIdle, sameSpec, type BoundSlot, type Pool, type SlotId } from './pool.js';

/** How long an unused sandbox lives: it may be reclaimed at `idleMs` and is at `idleMaxMs`. */
export interface IdleLimits {
  readonly idleMs: number;
  readonly idleMaxMs: number;
}

/** How many stems of one spec to keep. */
export interface StemGoal {
  readonly spec: StemSpec;
  readonly count: number;
}

/**
 * The sandboxes to close now: those idle for `idleMaxMs`, and of those idle for `idleMs` the ones whose action has a newer version here, and
 * all of them while less than half of the memory is free.
 */
export function reclaim(pool: Pool, nowMs: number, { idleMs, idleMaxMs }: IdleLimits): SlotId[] {
  const scarce = freeMiB(pool) * 2 < pool.capacityMiB;
  const bound = [...pool.slots].filter((entry): entry is [SlotId, BoundSlot] => entry[1].phase === 'bound');
  const superseded = (slot: BoundSlot): boolean =>
    bound.some(([, other]) => other.tenant.entityId === slot.tenant.entityId && BigInt(other.tenant.hlc) > BigInt(slot.tenant.hlc));
  return bound
    .filter(([, slot]) => {
      const idle = isIdle(slot) ? nowMs - slot.idleSinceMs : 0;
      return idle >= idleMaxMs || (idle >= idleMs && (scarce || superseded(slot)));
    })
    .map(([id]) => id);
}

/** Sandboxes that retire and are empty: their last call is over. */
export function finished(pool: Pool): SlotId[] {
  return [...pool.slots].filter(([, slot]) => slot.phase === 'bound' && slot.retiring && slot.running === 0).map(([id]) => id);
}

/** The stems to make so that the goals are met, as far as free memory goes: nothing is ever evicted for a stem. */
export function stemPlan(pool: Pool, goals: readonly StemGoal[]): StemSpec[] {
  let free = freeMiB(pool);
  const plan: StemSpec[] = [];
  for (const { spec, count } of goals) {
    let there = 0;
    for (const slot of pool.slots.values()) if ((slot.phase === 'stem' || slot.phase === 'making') && sameSpec(slot.spec, spec)) there += 1;
    for (; there < count && spec.memoryMiB <= free; there += 1) {
      plan.push(spec);
      free -= spec.memoryMiB;
    }
  }
  return plan;
}

/** Reads `MiB:count` entries. Throws on an entry that is none, naming it. */
export function readStemGoals(entries: readonly string[], kind: string): StemGoal[] {
  return entries.map((entry) => {
    const [, memory, count] = /^(\d{1,6}):(\d{1,4})$/.exec(entry) ?? [];
    if (memory === undefined || count === undefined)
      throw new Error(`'${entry}' is no goal for stem cells: write MiB:count, such as 256:2`);
    return { spec: { kind, memoryMiB: Number(memory) }, count: Number(count) };
  });
}
