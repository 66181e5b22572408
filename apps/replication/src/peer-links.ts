import type { WorldRegion } from '#libs/domain';
import { PeerLink } from './peer-link.js';
import type { Tls } from './tls.js';
import type { WorldView } from './world-view.js';

/** The lines to all peers, one each. */
export class PeerLinks {
  readonly all: readonly PeerLink[];

  constructor(world: WorldView, tls: Tls) {
    this.all = world.peers.map((region) => new PeerLink(region, tls));
  }

  /** The lines to the given regions, in their order. */
  to(regions: readonly WorldRegion[]): PeerLink[] {
    return regions.flatMap((region) => this.all.find((link) => link.region.id === region.id) ?? []);
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.all.map((link) => link.close()));
  }
}
