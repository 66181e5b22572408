import type { PeerStatus } from '#libs/replication';
import { leadPush, readPeerStatus, writePeerStatus, type Lead, type Storage } from '#libs/storage';
import type { Logger } from '#libs/telemetry';

/** What of the region's database belongs to no port: the lead among this region's replication services, and the published state of the peers. */
export class RegionDatabase {
  constructor(
    private readonly storage: Storage,
    private readonly databaseUrl: string,
    readonly log: Logger,
  ) {}

  /** Runs `work` whenever, and as long as, this process leads the pushing; returns when `signal` aborts. */
  leadPush(signal: AbortSignal, work: (lead: Lead) => Promise<void>): Promise<void> {
    return leadPush(this.databaseUrl, signal, work, (cause) => this.log.warn('the lead of pushing was lost or not obtained', {}, cause));
  }

  writePeerStatus(statuses: readonly PeerStatus[]): Promise<void> {
    return writePeerStatus(this.storage.pool, statuses);
  }

  readPeerStatus(): ReturnType<typeof readPeerStatus> {
    return readPeerStatus(this.storage.pool);
  }

  healthy(): Promise<boolean> {
    return this.storage.healthy();
  }
}
