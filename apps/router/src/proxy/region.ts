import type { WorldRegion } from '#libs/domain';
import { observe, unprobed, type HealthEvent, type RegionHealth } from '#libs/routing';
import { Client, Pool } from 'undici';

/** Connections to one region, and so calls in flight there; beyond it the answer is 503 at once. */
export const connectionsMax = 4096;

/** How long a region may think before its first byte: longer than the 60 s of a blocking invocation and the region's own 65 s. */
const firstByteMs = 72_000;
/** How long a streamed answer may be silent. */
const silenceMs = 300_000;
const connectMs = 1000;
const maxHeaderSize = 64 * 1024;

/** One region as this router reaches it: its connections and what is believed of its health. */
export class Region {
  /** Connections for requests, kept alive. */
  readonly pool: Pool;
  /** A connection of its own for probes, so that a busy region does not look dead. */
  readonly probes: Client;
  /** Requests that are there now. */
  inFlight = 0;

  #health: RegionHealth;

  constructor(
    readonly world: WorldRegion,
    private readonly now: () => number,
    private readonly changed: (region: Region, before: RegionHealth) => void,
  ) {
    const { origin } = new URL(world.url);
    this.pool = new Pool(origin, {
      connections: connectionsMax,
      connect: { timeout: connectMs },
      pipelining: 1,
      headersTimeout: firstByteMs,
      bodyTimeout: silenceMs,
      maxHeaderSize,
    });
    this.probes = new Client(origin, { connect: { timeout: connectMs }, maxHeaderSize });
    this.#health = unprobed(now());
  }

  get id(): WorldRegion['id'] {
    return this.world.id;
  }

  get health(): RegionHealth {
    return this.#health;
  }

  /** Takes in something that tells about the region's health. */
  observe(event: HealthEvent): void {
    const before = this.#health;
    this.#health = observe(before, event, this.now());
    if (before.up !== this.#health.up) this.changed(this, before);
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    await Promise.all([this.pool.destroy(), this.probes.destroy()]);
  }
}
