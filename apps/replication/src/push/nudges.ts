/** Waits `ms`, or until `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Nudges().pause('', ms, signal);
}

/** However often it is heard of, nobody is tried again sooner than this after a failure. */
const leastMs = 200;

/** Tells who waits to try a peer again that the peer has just been heard of. */
export class Nudges {
  private readonly waiting = new Map<string, Set<() => void>>();

  /** The peer spoke: ends every `pause` for it, once the least wait is over. */
  heard(peer: string): void {
    for (const hurry of this.waiting.get(peer) ?? []) hurry();
  }

  /** Waits, at most `ms`, until the peer is heard of or `signal` aborts. */
  pause(peer: string, ms: number, signal: AbortSignal): Promise<void> {
    const waiting = this.waiting.get(peer) ?? new Set();
    this.waiting.set(peer, waiting);
    const earliestMs = Date.now() + Math.min(ms, leastMs);
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        waiting.delete(hurry);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const hurry = (): void => {
        clearTimeout(timer);
        timer = setTimeout(end, Math.max(0, earliestMs - Date.now()));
      };
      let timer = setTimeout(end, ms);
      waiting.add(hurry);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }
}
