import type { EntityKey, RegionCode } from '#libs/domain';
import { keyText, type ParkedRow } from '#libs/replication';
import { Logger } from '#libs/telemetry';
import { PeerLinks } from '../peer-links.js';
import { keysMax } from '../protocol.js';
import { WorldView } from '../world-view.js';

/** Asks peers for the rows that parked ones need. */
export class ParkingPeers {
  constructor(
    private readonly world: WorldView,
    private readonly links: PeerLinks,
    private readonly log: Logger,
  ) {}

  /** The rows that parked ones need, from the first peer that answers, `origin` first; none when nobody does. Unchecked. */
  async missing(parked: readonly ParkedRow[], origin: RegionCode): Promise<readonly unknown[]> {
    const keys = missingKeys(parked);
    if (keys.length === 0) return [];
    for (const link of this.links.to(this.world.peersFrom(origin))) {
      try {
        return await link.rows(keys);
      } catch (cause) {
        this.log.warn('a peer did not tell the rows that parked ones need', { peer: link.region.id }, cause);
      }
    }
    return [];
  }
}

function missingKeys(parked: readonly ParkedRow[]): EntityKey[] {
  const keys = parked.flatMap(({ row, missing }) =>
    missing.rows.map(({ space, path }): EntityKey => ({ space: space as EntityKey['space'], ns: row.ns, path })),
  );
  return [...new Map(keys.map((key) => [keyText(key), key])).values()].slice(0, keysMax);
}
