import { Failure } from '#libs/domain';
import { isCollision, isDataFault } from '../pools.js';

/** Items of one kind of statement, written many at a time. */
export interface BatchOptions<I, O> {
  /** Runs one statement for all items and answers each, in order. */
  readonly flush: (items: readonly I[]) => Promise<readonly O[]>;
  /** Two items of equal key never share a statement. */
  readonly key: (item: I) => string;
  readonly bytes?: (item: I) => number;
}

interface Entry<I, O> {
  readonly item: I;
  resolve(output: O): void;
  reject(cause: unknown): void;
}

/** Bounds of one statement; a single larger item goes alone. */
const countMax = 100;
const bytesMax = 16 * 1024 * 1024;
/** Items that may wait at once; more are refused. */
const waitingMax = 20_000;
/** Tries of a statement that collides with others. */
const collisionsMax = 3;

/**
 * Group commit: calls that arrive while a statement runs share the next one, and nothing waits for a timer. Where the data of an item is at
 * fault, the batch is cut in half until that item stands alone, so that no other goes down with it.
 */
export class Batcher<I, O> {
  private waiting: Entry<I, O>[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly options: BatchOptions<I, O>) {}

  /** Resolves with the item's answer. Throws Failure `unavailable` where too many wait already. */
  add(item: I): Promise<O> {
    if (this.waiting.length >= waitingMax)
      return Promise.reject(new Failure('unavailable', { waiting: waitingMax }, { fault: 'database', retryAfterS: 1 }));
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.running ??= this.drain();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async drain(): Promise<void> {
    await Promise.resolve(); // calls of the same turn share the first statement
    while (this.waiting.length > 0) await this.flush(this.next());
    this.running = undefined;
  }

  /** The longest run of waiting items, oldest first, that fits one statement. */
  private next(): Entry<I, O>[] {
    const { bytes = () => 0, key } = this.options;
    const keys = new Set<string>();
    let size = 0;
    let count = 0;
    for (const { item } of this.waiting) {
      size += bytes(item);
      if (count > 0 && (count === countMax || size > bytesMax || keys.has(key(item)))) break;
      keys.add(key(item));
      count += 1;
    }
    return this.waiting.splice(0, count);
  }

  private async flush(batch: readonly Entry<I, O>[], tries = 1): Promise<void> {
    try {
      const outputs = await this.options.flush(batch.map(({ item }) => item));
      batch.forEach((entry, i) => entry.resolve(outputs[i] as O));
    } catch (cause) {
      if (batch.length > 1 && isDataFault(cause)) {
        const half = Math.ceil(batch.length / 2);
        await this.flush(batch.slice(0, half));
        await this.flush(batch.slice(half));
      } else if (isCollision(cause) && tries < collisionsMax) {
        await this.flush(batch, tries + 1);
      } else {
        for (const entry of batch) entry.reject(cause);
      }
    }
  }
}
