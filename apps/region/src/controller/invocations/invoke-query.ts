import { integer, malformedQuery, type Query } from '#libs/http';
import type { LimitProfile } from '#libs/domain';

/** How an action is to be invoked. */
export interface InvokeQuery {
  /** Longest wait, ms; undefined where the call does not block. */
  readonly waitMs: number | undefined;
  /** Whether the result alone is wanted. */
  readonly resultOnly: boolean;
}

/** Reads `blocking`, `result` and `timeout`; a bad time-out is refused even where nobody waits. */
export function readInvokeQuery(query: Query, { blockingWaitMs }: LimitProfile): InvokeQuery {
  const blocking = query.boolean('blocking', false);
  const resultOnly = query.boolean('result', false);
  const text = query.text('timeout');
  const timeoutMs = text === undefined ? blockingWaitMs : integer(text);
  if (timeoutMs === undefined || timeoutMs < 1 || timeoutMs > blockingWaitMs) {
    throw malformedQuery('timeout', `Timeout must be number of milliseconds up to ${blockingWaitMs}.`);
  }
  return { waitMs: blocking ? timeoutMs : undefined, resultOnly };
}
