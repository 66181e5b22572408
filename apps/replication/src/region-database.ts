import type { PeerStatus } from '#libs/replication';
import { leadPush, readPeerStatus, writePeerStatus, type Lead } from '#libs/storage';
import type { Logger } from '#libs/telemetry';
import type { Pool } from 'pg';

/** What of the region's database belongs to no port: the lead among this region's replication services, and the published state of the peers. */
export class RegionDatabase {
  constructor(
    private readonly pool: Pool,
    private readonly databaseUrl: string,
    readonly log: Logger,
  ) {}

  /** Runs `work` whenever, and as long as, this process leads the pushing; returns when `signal` aborts. */
  leadPush(signal: AbortSignal, work: (lead: Lead) => Promise<void>): Promise<void> {
    return leadPush(this.databaseUrl, signal, work, (cause) => this.log.warn('the lead of pushing was lost or not obtained', {}, cause));
  }

  writePeerStatus(statuses: readonly PeerStatus[]): Promise<void> {
    return writePeerStatus(this.pool, statuses);
  }

  readPeerStatus(): ReturnType<typeof readPeerStatus> {
    return readPeerStatus(this.pool);
  }

  /** Whether the database answers. */
  async healthy(): Promise<boolean> {
    return this.pool.query('select 1').then(
      () => true,
      () => false,
    );
  }
}
