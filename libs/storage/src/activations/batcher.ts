/** Items of one kind of statement, written many at a time. */
export interface BatchOptions<I, O> {
  /** Runs one statement for all items and answers each, in order. */
  readonly flush: (items: readonly I[]) => Promise<readonly O[]>;
  /** Two items of equal key never share a statement. */
  readonly key: (item: I) => string;
  readonly bytes?: (item: I) => number;
  readonly countMax: number;
  readonly bytesMax?: number;
  /** Whether the data of an item is at fault; then the batch is cut in half until it stands alone and no other goes down with it. */
  readonly isDataFault: (cause: unknown) => boolean;
}

interface Entry<I, O> {
  readonly item: I;
  resolve(output: O): void;
  reject(cause: unknown): void;
}

/** Group commit: calls that arrive while a statement runs share the next one. Nothing waits for a timer. */
export class Batcher<I, O> {
  private waiting: Entry<I, O>[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly options: BatchOptions<I, O>) {}

  add(item: I): Promise<O> {
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

  private next(): Entry<I, O>[] {
    const { countMax, bytesMax = Infinity, bytes = () => 0, key } = this.options;
    const [batch, rest]: [Entry<I, O>[], Entry<I, O>[]] = [[], []];
    const keys = new Set<string>();
    let size = 0;
    for (const entry of this.waiting) {
      size += bytes(entry.item);
      const fits = batch.length === 0 || (batch.length < countMax && size <= bytesMax && !keys.has(key(entry.item)));
      keys.add(key(entry.item));
      (fits ? batch : rest).push(entry);
    }
    this.waiting = rest;
    return batch;
  }

  private async flush(batch: readonly Entry<I, O>[]): Promise<void> {
    try {
      const outputs = await this.options.flush(batch.map(({ item }) => item));
      batch.forEach((entry, i) => entry.resolve(outputs[i] as O));
    } catch (cause) {
      if (batch.length > 1 && this.options.isDataFault(cause)) {
        const half = Math.ceil(batch.length / 2);
        await this.flush(batch.slice(0, half));
        await this.flush(batch.slice(half));
      } else {
        for (const entry of batch) entry.reject(cause);
      }
    }
  }
}

/** Bad data, a broken constraint or a value past a limit of the database: trying again does not mend it. */
export function isDataFault(cause: unknown): boolean {
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' && /^(22|23|54)/.test(code);
}
