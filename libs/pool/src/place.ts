import { freeMiB, isIdle, sameSpec, sameTenant, type BoundSlot, type Job, type Pool, type Slot, type SlotId } from './pool.js';

/** Where a call goes. `never` is for a call that no invoker of this size can hold. */
export type Placement =
  | { readonly start: 'warm' | 'prewarmed'; readonly slot: SlotId }
  | { readonly start: 'cold'; readonly evict: readonly SlotId[] }
  | { readonly start: 'wait'; readonly for: 'memory' | 'instances' }
  | { readonly start: 'never' };

/**
 * Where a call runs: inside a sandbox of its tenant that has room (the fullest, so that the others age), else in a stem, else cold in free
 * memory or in that of the longest idle sandboxes and then of stems, else it waits. `mayTakeMemory: false` leaves it the first choice alone.
 */
export function place(pool: Pool, job: Job, mayTakeMemory = true): Placement {
  const own = [...pool.slots].filter((entry): entry is [SlotId, BoundSlot] => isOf(entry[1], job));
  const warm = fullest(own);
  if (warm !== undefined) return { start: 'warm', slot: warm };
  if (job.spec.memoryMiB > pool.capacityMiB) return { start: 'never' };
  if (own.length >= (job.instances ?? Infinity)) return { start: 'wait', for: 'instances' };
  if (!mayTakeMemory) return { start: 'wait', for: 'memory' };

  for (const [slot, { phase, spec }] of pool.slots) if (phase === 'stem' && sameSpec(spec, job.spec)) return { start: 'prewarmed', slot };

  let free = freeMiB(pool);
  const evict: SlotId[] = [];
  for (const [id, memoryMiB] of evictionOrder(pool)) {
    if (free >= job.spec.memoryMiB) break;
    evict.push(id);
    free += memoryMiB;
  }
  return free >= job.spec.memoryMiB ? { start: 'cold', evict } : { start: 'wait', for: 'memory' };
}

function isOf(slot: Slot, job: Job): slot is BoundSlot {
  return slot.phase === 'bound' && sameTenant(slot.tenant, job.tenant);
}

/** The fullest slot with room; one that still initialises only when no ready one has room. */
function fullest(slots: readonly (readonly [SlotId, BoundSlot])[]): SlotId | undefined {
  let best: readonly [SlotId, BoundSlot] | undefined;
  for (const entry of slots) {
    const slot = entry[1];
    if (slot.retiring || slot.running >= slot.concurrency) continue;
    const better = !best || (slot.ready === best[1].ready ? slot.running > best[1].running : slot.ready);
    if (better) best = entry;
  }
  return best?.[0];
}

function evictionOrder(pool: Pool): (readonly [SlotId, number])[] {
  const idle: [SlotId, BoundSlot][] = [];
  const stems: [SlotId, number][] = [];
  for (const [id, slot] of pool.slots) {
    if (isIdle(slot)) idle.push([id, slot]);
    else if (slot.phase === 'stem') stems.push([id, slot.spec.memoryMiB]);
  }
  idle.sort(([, a], [, b]) => a.idleSinceMs - b.idleSinceMs);
  return [...idle.map(([id, slot]) => [id, slot.spec.memoryMiB] as const), ...stems];
}
