/**
 * Which invoker gets a run: bounded-load rendezvous hashing (Thaler & Ravishankar 1998; bounded loads after Mirrokni, Thorup, Zadimoghaddam
 * 2016). Every action version has its own order of preference over the invokers, the same in every controller without any of them talking, so
 * its warm sandboxes are found again; an invoker that is loaded well above the average is passed over. Losing an invoker moves only its own.
 */

/** What is known of an invoker at the moment of choice. */
export interface Candidate {
  readonly name: string;
  /** Runs sent and not answered. */
  readonly inFlight: number;
  /** Runs it takes before it refuses. */
  readonly credits: number;
}

/** How far above the average load an invoker may be and still be preferred. */
const looseness = 1.25;
/** Below this many runs nobody counts as loaded: a warm sandbox is worth more than a level load. */
const freely = 4;

/** The invoker for `key`: the most preferred that is not overloaded, else the least loaded; undefined where none has room. */
export function choose<C extends Candidate>(key: string, candidates: readonly C[]): C | undefined {
  const open = candidates.filter(({ inFlight, credits }) => inFlight < credits);
  const load = open.reduce((sum, { inFlight }) => sum + inFlight, 0);
  const bound = Math.max(freely, Math.ceil((looseness * (load + 1)) / open.length));
  const preferred = open.map((candidate) => ({ candidate, weight: weight(key, candidate.name) })).sort((a, b) => b.weight - a.weight);
  const light = preferred.find(({ candidate }) => candidate.inFlight < bound);
  return light?.candidate ?? open.toSorted((a, b) => a.inFlight - b.inFlight)[0];
}

/** FNV-1a over both texts with a final mix: 32 bits. */
function weight(key: string, name: string): number {
  let hash = 0x811c9dc5;
  for (const text of [name, '\0', key]) for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
