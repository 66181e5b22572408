import type { Transid } from '#libs/domain';
import type { Because, Whereabouts } from '#libs/routing';
import { Injectable } from '@nestjs/common';

/** One region that was tried. */
export interface TracedAttempt {
  readonly region: string;
  /** `answered`, or what went wrong. */
  readonly outcome: string;
  readonly status?: number;
  readonly detail?: string;
  readonly tookMs: number;
}

/** What the router decided about one request, and how it went. */
export interface Trace {
  readonly transid: Transid;
  readonly atMs: number;
  readonly method: string;
  /** Without the query, which may hold secrets; cut at 256 characters. */
  readonly path: string;
  readonly caller: { readonly network: string | null; readonly place: Whereabouts | null };
  /** Why the region that was tried last came before the others; those that had failed by then count as passed over. */
  because: Because;
  /** The order at first. */
  readonly order: readonly string[];
  readonly attempts: TracedAttempt[];
}

const tracesMax = 10_000;
const textMax = 256;

/** The last 10,000 decisions of this router, for the `why` answer. */
@Injectable()
export class Traces {
  readonly #ring: Trace[] = [];
  #next = 0;

  /** Keeps a decision in place of the oldest. Its attempts are added to as they end. */
  keep(trace: Trace): Trace {
    const kept = { ...trace, transid: trace.transid.slice(0, textMax) as Transid, path: trace.path.slice(0, textMax) };
    this.#ring[this.#next] = kept;
    this.#next = (this.#next + 1) % tracesMax;
    return kept;
  }

  /** Every kept decision about a transaction, oldest first. Looks at all that are kept. */
  find(transid: string): Trace[] {
    const key = transid.slice(0, textMax);
    return this.#ring.filter((trace) => trace.transid === key).toSorted((a, b) => a.atMs - b.atMs);
  }
}
