/** Tells who waits to try a peer again that the peer has just been heard of. */
export class Nudges {
  private readonly waiting = new Map<string, Set<() => void>>();

  /** The peer spoke: ends every `pause` for it. */
  heard(peer: string): void {
    for (const end of [...(this.waiting.get(peer) ?? [])]) end();
  }

  /** Waits, at most `ms`, until the peer is heard of or `signal` aborts. */
  pause(peer: string, ms: number, signal: AbortSignal): Promise<void> {
    const waiting = this.waiting.get(peer) ?? new Set();
    this.waiting.set(peer, waiting);
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        waiting.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      waiting.add(end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }
}
