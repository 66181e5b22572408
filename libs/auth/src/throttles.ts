import { Failure, type LimitProfile } from '#libs/domain';
import type { Identity } from './identity.js';

const minuteMs = 60_000;

/** What is counted: invocations and fires have a minute's allowance each. */
export type Rate = 'invocations' | 'fires';

/** The effective rates of a namespace: its own where it has them, else the profile's. */
export function effectiveRates(
  { limits }: Pick<Identity, 'limits'>,
  profile: LimitProfile,
): { readonly invocationsPerMinute: number; readonly firesPerMinute: number; readonly concurrentInvocations: number } {
  return {
    invocationsPerMinute: limits.invocationsPerMinute ?? profile.invocationsPerMinute,
    firesPerMinute: limits.firesPerMinute ?? profile.firesPerMinute,
    concurrentInvocations: limits.concurrentInvocations ?? profile.concurrentInvocations,
  };
}

/**
 * Counts what namespaces ask for in the current wall-clock minute and what they have in flight. All counts of a minute are dropped
 * with it, so the memory is bounded by the namespaces that are active in one minute or have something in flight.
 */
export class Throttles {
  private minute = 0;
  private counts = new Map<string, number>();
  private readonly flying = new Map<string, number>();

  constructor(private readonly profile: LimitProfile) {}

  /** Counts one request and throws `throttled` where that is one too many; invocations are then held against what is in flight too. */
  check(identity: Identity, rate: Rate, nowMs: number): void {
    const rates = effectiveRates(identity, this.profile);
    const allowed = rate === 'fires' ? rates.firesPerMinute : rates.invocationsPerMinute;
    const count = this.count(`${rate} ${identity.ns}`, nowMs);
    if (count > allowed) {
      const left = Math.ceil((minuteMs - (nowMs % minuteMs)) / 1000);
      throw this.throttled(`Too many requests in the last minute (count: ${count}, allowed: ${allowed}).`, left);
    }
    const inFlight = this.inFlight(identity);
    if (rate === 'invocations' && inFlight >= rates.concurrentInvocations) {
      throw this.throttled(`Too many concurrent requests in flight (count: ${inFlight}, allowed: ${rates.concurrentInvocations}).`, 1);
    }
  }

  /** Counts an invocation as in flight until the returned function is called; calling it again does nothing. */
  begin({ ns }: Identity): () => void {
    this.flying.set(ns, (this.flying.get(ns) ?? 0) + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const left = (this.flying.get(ns) ?? 1) - 1;
      if (left > 0) this.flying.set(ns, left);
      else this.flying.delete(ns);
    };
  }

  /** Invocations of a namespace that have not ended. */
  inFlight({ ns }: Identity): number {
    return this.flying.get(ns) ?? 0;
  }

  private count(key: string, nowMs: number): number {
    const minute = Math.floor(nowMs / minuteMs);
    if (minute !== this.minute) {
      this.minute = minute;
      this.counts = new Map();
    }
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    return count;
  }

  private throttled(reason: string, retryAfterS: number): Failure {
    return new Failure('throttled', { reason }, this.profile.tellsRetryAfter ? { retryAfterS } : {});
  }
}
