/** How a batch was taken. `failed` are those that came to nothing, with the last cause. */
export interface Delivered<T> {
  readonly handled: readonly T[];
  readonly failed: readonly T[];
  readonly cause?: unknown;
}

/** Messages tried alone before the fault is believed to be the handler's and not one message's. */
const outageAfter = 3;

/**
 * Hands a batch over; when that fails, message by message, so that one that cannot be handled does not hold up its neighbours.
 * Where the first few fail alone too, nothing works at the moment, and the rest is left untried.
 */
export async function deliver<T>(batch: readonly T[], handle: (batch: readonly T[]) => Promise<void>): Promise<Delivered<T>> {
  try {
    await handle(batch);
    return { handled: batch, failed: [] };
  } catch (cause) {
    return batch.length === 1 ? { handled: [], failed: batch, cause } : deliverSingly(batch, handle);
  }
}

async function deliverSingly<T>(batch: readonly T[], handle: (batch: readonly T[]) => Promise<void>): Promise<Delivered<T>> {
  const handled: T[] = [];
  const failed: T[] = [];
  let cause: unknown;
  for (const message of batch) {
    if (handled.length === 0 && failed.length >= outageAfter) {
      failed.push(message);
      continue;
    }
    try {
      await handle([message]);
      handled.push(message);
    } catch (error) {
      failed.push(message);
      cause = error;
    }
  }
  return { handled, failed, cause };
}
