/** Wakes one loop: a ring before it waits is not missed. */
export class Bell {
  private ringing = false;
  private wake: (() => void) | undefined;

  /** Whether it rang since the last `heard`. */
  get rung(): boolean {
    return this.ringing;
  }

  ring(): void {
    this.ringing = true;
    this.wake?.();
  }

  /** Forgets the rings so far. */
  heard(): void {
    this.ringing = false;
  }

  /** Waits until it rings, or `ms`, or until `stop` aborts. */
  wait(ms: number, stop: AbortSignal): Promise<void> {
    if (this.ringing || stop.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        stop.removeEventListener('abort', end);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      stop.addEventListener('abort', end, { once: true });
      this.wake = end;
    });
  }
}
