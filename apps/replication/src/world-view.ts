import type { RegionCode, RegionId, World, WorldRegion } from '#libs/domain';

/** The world as this region's replication sees it: itself, and the peers it pushes to (full mesh). */
export class WorldView {
  readonly peers: readonly WorldRegion[];

  constructor(
    world: World,
    readonly self: WorldRegion,
  ) {
    this.peers = world.regions.filter((region) => region.id !== self.id);
  }

  /** The peer of that name, or undefined: the region itself is no peer. */
  peer(id: RegionId | string): WorldRegion | undefined {
    return this.peers.find((region) => region.id === id);
  }

  /** The peers, those of the given codes first, in that order. */
  peersFrom(...first: readonly RegionCode[]): WorldRegion[] {
    const place = (region: WorldRegion) => (first.includes(region.code) ? first.indexOf(region.code) : first.length);
    return this.peers.toSorted((a, b) => place(a) - place(b));
  }
}
