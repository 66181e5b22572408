/** What is to happen after a try to fire a trigger failed with a status: as OpenWhisk's alarms provider decides. */
export type Retry =
  | { readonly kind: 'again'; readonly inMs: number; readonly throttled: number }
  /** It stays as it is and goes off at its next time. */
  | { readonly kind: 'miss' }
  | { readonly kind: 'disable'; readonly statusCode: number; readonly message: string };

const triesMax = 10;
const delayMs = 1000;

/** Statuses below 500 that pass. */
const passing: ReadonlySet<number> = new Set([408, 409, 429]);

/** What follows from a failed try. `tries` counts those that failed before, `throttled` how many of them with 429. */
export function afterFailure(status: number, tries: number, throttled: number): Retry {
  if (status >= 400 && status < 500 && !passing.has(status)) {
    return {
      kind: 'disable',
      statusCode: status,
      message: `Trigger automatically disabled: Received a ${status} status code when firing the trigger`,
    };
  }
  if (tries < triesMax) {
    const times = throttled + (status === 429 ? 1 : 0);
    return { kind: 'again', inMs: Math.max(delayMs, 1000 * times ** 2), throttled: times };
  }
  if (throttled < triesMax) return { kind: 'miss' };
  const message = 'Automatically disabled after continuously receiving a 429 status code when firing the trigger';
  return { kind: 'disable', statusCode: 429, message };
}
