/**
 * What one router believes about one region. Only connections, probes and the region's own confession (`X-Isochrone-Fault`) count: a
 * status such as 502 is how an action's error looks, so it says nothing.
 *
 *   refused, or not ready           → down at once
 *   three other failures in a row   → down
 *   a good probe                    → up at once, if it began after the last failure was seen
 *
 * State is a value; `observe` returns the next one.
 */

/** Why a region is down, or what went wrong last. */
export type Trouble = 'not-probed' | 'refused' | 'connect-timeout' | 'reset' | 'no-answer' | 'not-ready' | 'fault';

/** A region's health at one moment. */
export interface RegionHealth {
  readonly up: boolean;
  /** Failures since the last success; stops counting at the threshold. */
  readonly failures: number;
  /** When `up` last changed, epoch ms. */
  readonly sinceMs: number;
  /** When the last failure was seen, epoch ms; 0 before the first. */
  readonly failedAtMs: number;
  /** What went wrong last, while anything is wrong. */
  readonly trouble?: Trouble;
  /** Words about it, from the region or the socket. */
  readonly detail?: string;
}

/** Something that tells about a region's health. `startedMs` is when the probe was sent. */
export type HealthEvent =
  | { readonly kind: 'answered' }
  | { readonly kind: 'probe-ok'; readonly startedMs: number }
  | { readonly kind: 'failed'; readonly trouble: Exclude<Trouble, 'not-probed'>; readonly detail?: string | undefined };

/** Faults (`X-Isochrone-Fault`) that are a whole region's. Others are one request's, or one namespace's, which anybody could bring about. */
const regionalFaults: ReadonlySet<string> = new Set(['queue', 'database', 'object-store', 'dependency']);

/** Whether a region's confession says that it cannot serve anybody. */
export function isRegional(fault: string | undefined): fault is string {
  return fault !== undefined && regionalFaults.has(fault);
}

/** Failures in a row that take a region down, when none of them is plain proof. */
export const failuresMax = 3;

const decisive: ReadonlySet<Trouble> = new Set<Trouble>(['refused', 'not-ready']);

/** Health before anything is known: down, until the first good probe. */
export function unprobed(nowMs: number): RegionHealth {
  return { up: false, failures: 0, sinceMs: nowMs, failedAtMs: 0, trouble: 'not-probed' };
}

/** The next health after an event at `nowMs`. */
export function observe(health: RegionHealth, event: HealthEvent, nowMs: number): RegionHealth {
  if (event.kind === 'failed') return afterFailure(health, event.trouble, event.detail, nowMs);
  if (event.kind === 'answered') return health.up && health.failures > 0 ? well(health, health.sinceMs) : health;
  if (event.startedMs < health.failedAtMs) return health;
  return well(health, health.up ? health.sinceMs : nowMs);
}

function afterFailure(health: RegionHealth, trouble: Trouble, detail: string | undefined, nowMs: number): RegionHealth {
  const failures = Math.min(failuresMax, health.failures + 1);
  const up = health.up && !decisive.has(trouble) && failures < failuresMax;
  const sinceMs = up === health.up ? health.sinceMs : nowMs;
  return { up, failures, sinceMs, failedAtMs: nowMs, trouble, ...(detail === undefined ? {} : { detail }) };
}

function well(health: RegionHealth, sinceMs: number): RegionHealth {
  return { up: true, failures: 0, sinceMs, failedAtMs: health.failedAtMs };
}
