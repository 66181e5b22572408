import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';

/** How long a controller goes on serving after its readiness has turned red, so that whoever routes to it has noticed. */
const noticeMs = 1000;
/** How long requests in flight may take to end. */
const drainMs = 65_000;

/**
 * The end of a controller: readiness turns red first while it still serves, every answer from then on closes its connection, and requests
 * in flight finish before the server closes.
 */
@Injectable()
export class Lifecycle implements OnModuleDestroy, BeforeApplicationShutdown {
  private inFlight = 0;
  private ended = false;
  private idle: () => void = () => undefined;

  /** Whether the end has begun. */
  get stopping(): boolean {
    return this.ended;
  }

  /** Notes that a request began; the returned function notes its end. */
  begin(): () => void {
    this.inFlight += 1;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.inFlight -= 1;
      if (this.inFlight === 0) this.idle();
    };
  }

  /** Begins the end without ending: nobody is to send more, and what is sent anyway is served. */
  disable(): void {
    this.ended = true;
  }

  async onModuleDestroy(): Promise<void> {
    this.ended = true;
    await delay(noticeMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.inFlight === 0) return;
    const abort = new AbortController();
    const drained = new Promise<void>((resolve) => (this.idle = resolve));
    await Promise.race([drained, delay(drainMs, undefined, { signal: abort.signal }).catch(() => undefined)]);
    abort.abort();
  }
}
