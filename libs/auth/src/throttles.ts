import { Failure, type AdmissionAsk, type AdmissionCounts, type LimitProfile, type NamespaceId, type ThrottleCounts } from '#libs/domain';
import type { Identity } from './identity.js';

const minuteMs = 60_000;
/** How long the end of an invocation may wait until the other controllers are told; longer where the last telling failed. ms. */
const tellMs = 20;
const tellAgainMs = 1000;

/** What is counted: invocations and fires have a minute's allowance each. */
export type Rate = AdmissionAsk['rate'];

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

/** An invocation that was let in and counts as in flight. */
export interface Admission {
  /** Takes it over: it counts until the returned function is called, whatever `release` is told. */
  take(): () => void;
  /** Ends it where nobody took it over. */
  release(): void;
}

/** What a request is judged by: its number in the minute, and what was in flight before it. */
interface Standing {
  readonly count: number;
  readonly inFlight: number;
}

/** Requests of one namespace and one rate that are counted in one round trip, each with what it does once its standing is known. */
interface Group {
  readonly identity: Identity;
  readonly rate: Rate;
  readonly waiting: ((standing: Standing) => boolean)[];
}

/**
 * Counts what namespaces ask for in the current wall-clock minute and what they have in flight: by itself while it is the only controller of its
 * region, else together with the others, many requests to a round trip. All counts of a minute are dropped with it, so the memory is bounded by the
 * namespaces that are active in one minute or have something in flight. Where the shared counts do not answer, its own decide.
 */
export class Throttles {
  private minute = 0;
  private counts = new Map<string, number>();
  private readonly flying = new Map<NamespaceId, number>();
  private together = false;
  private groups = new Map<string, Group>();
  private flushing = false;
  private readonly untold = new Map<NamespaceId, Identity>();
  private telling: NodeJS.Timeout | undefined;

  constructor(
    private readonly profile: LimitProfile,
    private readonly shared?: ThrottleCounts,
    private readonly failed: (cause: unknown) => void = () => undefined,
  ) {}

  /** Counts one fire of a trigger; throws `throttled` where it is one too many. */
  async fire(identity: Identity, nowMs: number): Promise<void> {
    await this.decide(identity, 'fires', nowMs);
  }

  /** Counts one request to invoke; throws `throttled` where it or what is in flight is one too many, else it counts as in flight itself. */
  async admit(identity: Identity, nowMs: number): Promise<Admission> {
    await this.decide(identity, 'invocations', nowMs);
    const end = this.ending(identity);
    let taken = false;
    return {
      take: () => {
        taken = true;
        return end;
      },
      release: () => {
        if (!taken) end();
      },
    };
  }

  /** Counts an invocation as in flight that nobody asked for by itself, until the returned function is called; calling it again does nothing. */
  begin(identity: Identity): () => void {
    this.add(identity, 1);
    this.tell(identity, tellMs);
    return this.ending(identity);
  }

  /** Invocations of a namespace that have not ended, on this controller. */
  inFlight({ ns }: Pick<Identity, 'ns'>): number {
    return this.flying.get(ns) ?? 0;
  }

  private async decide(identity: Identity, rate: Rate, nowMs: number): Promise<void> {
    this.turn(nowMs);
    if (!this.together) return this.judge(identity, rate, nowMs, this.standing(identity, rate));
    await new Promise<void>((resolve, reject) => {
      this.group(identity, rate).waiting.push((standing) => {
        try {
          this.judge(identity, rate, nowMs, standing);
          resolve();
          return true;
        } catch (refused) {
          reject(refused instanceof Error ? refused : new Error(String(refused)));
          return false;
        }
      });
      void this.flush();
    });
  }

  /** Throws where a request is one too many; an invocation that is not is in flight from here on. */
  private judge(identity: Identity, rate: Rate, nowMs: number, { count, inFlight }: Standing): void {
    const rates = effectiveRates(identity, this.profile);
    const allowed = rate === 'fires' ? rates.firesPerMinute : rates.invocationsPerMinute;
    if (count > allowed) {
      const left = Math.ceil((minuteMs - (nowMs % minuteMs)) / 1000);
      throw this.throttled(`Too many requests in the last minute (count: ${count}, allowed: ${allowed}).`, left);
    }
    if (rate === 'fires') return;
    if (inFlight >= rates.concurrentInvocations) {
      throw this.throttled(`Too many concurrent requests in flight (count: ${inFlight}, allowed: ${rates.concurrentInvocations}).`, 1);
    }
    this.add(identity, 1);
  }

  /** One round trip at a time: what arrives meanwhile shares the next one. */
  private async flush(): Promise<void> {
    if (this.flushing) return;
    this.flushing = true;
    // Requests of the same turn share the first one.
    await Promise.resolve();
    while (this.groups.size > 0) await this.flushOnce();
    this.flushing = false;
  }

  private async flushOnce(): Promise<void> {
    const groups = [...this.groups.values()];
    this.groups = new Map();
    const asks = groups.map((group) => this.askOf(group));
    try {
      const answers = (await this.shared?.admit(asks)) ?? [];
      groups.forEach(({ waiting }, at) => {
        const [ask, answer] = [asks[at], answers[at]];
        if (ask && answer) settle(waiting, ask, answer);
      });
    } catch (cause) {
      this.failed(cause);
      for (const { identity, rate, waiting } of groups) {
        for (const decide of waiting) decide(this.standing(identity, rate));
        if (rate === 'invocations') this.tell(identity, tellAgainMs);
      }
    }
  }

  private askOf({ identity, rate, waiting }: Group): AdmissionAsk {
    const rates = effectiveRates(identity, this.profile);
    const fires = rate === 'fires';
    const key = keyOf(identity, rate);
    const untold = this.counts.get(key) ?? 0;
    this.counts.delete(key);
    return {
      ns: identity.ns,
      rate,
      minute: this.minute,
      asking: waiting.length,
      untold,
      flying: this.inFlight(identity),
      allowedPerMinute: fires ? rates.firesPerMinute : rates.invocationsPerMinute,
      allowedFlying: fires ? null : rates.concurrentInvocations,
    };
  }

  private group(identity: Identity, rate: Rate): Group {
    const key = keyOf(identity, rate);
    const group = this.groups.get(key) ?? { identity, rate, waiting: [] };
    this.groups.set(key, group);
    return group;
  }

  private ending(identity: Identity): () => void {
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.add(identity, -1);
      this.tell(identity, tellMs);
    };
  }

  private add({ ns }: Identity, change: 1 | -1): void {
    const now = this.inFlight({ ns }) + change;
    if (now > 0) this.flying.set(ns, now);
    else this.flying.delete(ns);
  }

  /** Has what is in flight told to the other controllers, if there are any. */
  private tell(identity: Identity, withinMs: number): void {
    if (!this.together) return;
    this.untold.set(identity.ns, identity);
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      for (const changed of this.untold.values()) this.group(changed, 'invocations');
      this.untold.clear();
      void this.flush();
    }, withinMs).unref();
  }

  /** A minute begins: its counts start anew, and whether they are shared is settled for as long as nobody joins. */
  private turn(nowMs: number): void {
    const minute = Math.floor(nowMs / minuteMs);
    const others = this.shared !== undefined && !this.shared.alone;
    if (minute === this.minute) {
      // Who was alone tells what it counted with its next ask.
      this.together ||= others;
      return;
    }
    this.minute = minute;
    this.counts = new Map();
    this.together = others;
  }

  private standing(identity: Identity, rate: Rate): Standing {
    const key = keyOf(identity, rate);
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    return { count, inFlight: this.inFlight(identity) };
  }

  private throttled(reason: string, retryAfterS: number): Failure {
    return new Failure('throttled', { reason }, this.profile.tellsRetryAfter ? { retryAfterS } : {});
  }
}

/** Those that asked together stand one behind another. */
function settle(waiting: Group['waiting'], { asking, flying }: AdmissionAsk, { count, flyingElsewhere }: AdmissionCounts): void {
  let before = flying + flyingElsewhere;
  waiting.forEach((decide, at) => {
    if (decide({ count: count - asking + at + 1, inFlight: before })) before += 1;
  });
}

function keyOf({ ns }: Pick<Identity, 'ns'>, rate: Rate): string {
  return `${rate} ${ns}`;
}
