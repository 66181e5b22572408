import { Failure } from '#libs/domain';

/**
 * Group commit: one flush is in flight, everything that arrives meanwhile goes out in the next one. Under load this turns many commits into
 * few without a timer and without latency when idle. Example: a is flushed at once; b, c and d arrive before that ends; they share the second flush.
 */

/** What one flush may carry. A lane is what a bound of its own holds for, such as a partition. */
export interface FlushBounds {
  readonly count: number;
  readonly bytes: number;
  readonly laneBytes: number;
}

/** An item with what the bounds count. */
export interface Sized<T> {
  readonly item: T;
  readonly lane: number;
  readonly bytes: number;
}

/**
 * Splits what waits into the next flush and the rest, oldest first. Items that no longer fit their lane stay behind without holding up other
 * lanes; the oldest always goes, so nothing starves.
 */
export function nextFlush<S extends Sized<unknown>>(waiting: readonly S[], bounds: FlushBounds): { flush: S[]; rest: S[] } {
  const flush: S[] = [];
  const rest: S[] = [];
  const lanes = new Map<number, number>();
  let bytes = 0;
  for (const entry of waiting) {
    const laneBytes = (lanes.get(entry.lane) ?? 0) + entry.bytes;
    const fits = flush.length < bounds.count && bytes + entry.bytes <= bounds.bytes && laneBytes <= bounds.laneBytes;
    // A lane that once overflowed is full for this flush: a later, smaller item must not overtake.
    lanes.set(entry.lane, fits || flush.length === 0 ? laneBytes : Infinity);
    if (!fits && flush.length > 0) {
      rest.push(entry);
      continue;
    }
    flush.push(entry);
    bytes += entry.bytes;
  }
  return { flush, rest };
}

interface Waiting<T> extends Sized<T> {
  settled: boolean;
  settle(error?: Failure): void;
}

/** How a GroupCommit works. Bounds of what waits come on top of those of a flush. */
export interface GroupCommitOptions<T> {
  /** Makes all items durable or throws. A flush that outlasts the deadline counts as failed, and the next one starts. */
  readonly flush: (items: readonly T[]) => Promise<void>;
  readonly size: (item: T) => { lane: number; bytes: number };
  readonly bounds: FlushBounds;
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  readonly deadlineMs: number;
  /** Told when a flush failed or hung. */
  readonly failed: (cause: unknown) => void;
}

/** Collects appends into flushes. */
export class GroupCommit<T> {
  private waiting: Waiting<T>[] = [];
  private waitingBytes = 0;
  private flushing: Promise<void> | undefined;

  constructor(private readonly options: GroupCommitOptions<T>) {}

  /** Resolves once the item is durable; throws Failure `unavailable` when it is not within the deadline or too much waits already. */
  append(item: T): Promise<void> {
    const { lane, bytes } = this.options.size(item);
    if (this.waiting.length >= this.options.waitingMax || this.waitingBytes + bytes > this.options.waitingBytesMax) {
      return Promise.reject(queueFailure(new Error('too many appends wait')));
    }
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => entry.settle(queueFailure(new Error('not durable in time'))), this.options.deadlineMs);
      const entry: Waiting<T> = {
        item,
        lane,
        bytes,
        settled: false,
        settle: (error) => {
          if (entry.settled) return;
          entry.settled = true;
          clearTimeout(late);
          if (error) reject(error);
          else resolve();
        },
      };
      this.waiting.push(entry);
      this.waitingBytes += bytes;
      this.flushing ??= this.drain();
    });
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    await this.flushing;
  }

  private async drain(): Promise<void> {
    // Calls of the same turn share the first flush.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const live = this.waiting.filter((entry) => !entry.settled);
      const { flush, rest } = nextFlush(live, this.options.bounds);
      this.waiting = rest;
      this.waitingBytes = rest.reduce((sum, entry) => sum + entry.bytes, 0);
      if (flush.length > 0) await this.flushOne(flush);
    }
    this.flushing = undefined;
  }

  private async flushOne(entries: readonly Waiting<T>[]): Promise<void> {
    try {
      await within(this.options.flush(entries.map((entry) => entry.item)), this.options.deadlineMs);
      for (const entry of entries) entry.settle();
    } catch (cause) {
      this.options.failed(cause);
      for (const entry of entries) entry.settle(queueFailure(cause));
    }
  }
}

/** The failure of an append: no id was given out, the caller may try again in a second. */
export function queueFailure(cause: unknown): Failure {
  return new Failure('unavailable', {}, { fault: 'queue', retryAfterS: 1, cause });
}

/** The promise's result, or an error after `ms`; what the promise does later is ignored. */
export async function within<R>(promise: Promise<R>, ms: number): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
