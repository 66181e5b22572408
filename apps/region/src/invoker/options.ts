import { basename } from 'node:path';
import { limitProfiles, type LimitProfile } from '#libs/domain';
import type { RegionConfig } from '#libs/config';
import { readStemGoals, type QueueBounds, type StemGoal } from '#libs/pool';

const MiB = 1024 * 1024;

/** What the invoker role is configured with. Times in ms. */
export class InvokerOptions {
  private constructor(
    readonly region: string,
    readonly cloud: string,
    /** This process among its like; claims, leases and the journal carry it. */
    readonly name: string,
    readonly listen: string,
    readonly frameToken: string,
    readonly spawner: string,
    readonly journalFolder: string,
    readonly apiHost: string,
    readonly profile: LimitProfile,
    readonly capacityMiB: number,
    readonly stems: readonly StemGoal[],
    /** How long running calls may take to end once the process is told to stop. */
    readonly drainMs: number,
    readonly stateEndpoint: string | undefined,
  ) {}

  /** Calls that may wait here, all in all and per namespace, and the bytes of their arguments. */
  readonly queue: QueueBounds = { depthMax: 2000, namespaceDepthMax: 1000, bytesMax: 256 * MiB, patienceMs: 2000 };
  /** A sandbox that is idle for this long stops using CPU. */
  readonly freezeAfterMs = 100;
  /** Leases: an invoker that dies frees what it claimed after the first, what it started is given up after the second. */
  readonly claimLeaseMs = 10_000;
  readonly startLeaseMs = 30_000;
  /** Bytes of decrypted code kept in memory. */
  readonly codeCacheBytes = 256 * MiB;
  /** Finished records that may wait for the store, as number and bytes; over it no new call is taken. */
  readonly recordsMax = 10_000;
  readonly recordsBytesMax = 256 * MiB;
  /** Pauses between tries to store a record. */
  readonly storePausesMs = { first: 100, max: 1000 };

  /** Reads the options of the invoker role; throws naming every variable that this role needs and did not get. */
  static from(config: RegionConfig): InvokerOptions {
    const needed = {
      ISOCHRONE_INVOKER_LISTEN: config.ISOCHRONE_INVOKER_LISTEN,
      ISOCHRONE_SPAWNER: config.ISOCHRONE_SPAWNER,
      ISOCHRONE_JOURNAL: config.ISOCHRONE_JOURNAL,
    };
    const missing = Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [name] : []));
    if (missing.length > 0) throw new Error(`bad configuration\nthe invoker role needs ${missing.join(', ')}`);
    if (basename(config.ISOCHRONE_NAME) !== config.ISOCHRONE_NAME)
      throw new Error('bad configuration\nISOCHRONE_NAME must be usable as a file name');
    const profile = limitProfiles[config.ISOCHRONE_LIMITS];
    return new InvokerOptions(
      config.ISOCHRONE_REGION,
      config.ISOCHRONE_CLOUD,
      config.ISOCHRONE_NAME,
      needed.ISOCHRONE_INVOKER_LISTEN ?? '',
      config.ISOCHRONE_FRAME_TOKEN,
      needed.ISOCHRONE_SPAWNER ?? '',
      needed.ISOCHRONE_JOURNAL ?? '',
      config.ISOCHRONE_API_HOST,
      profile,
      config.ISOCHRONE_USER_MEMORY_MIB,
      readStemGoals(config.ISOCHRONE_STEMS, profile.defaultNodeKind),
      config.ISOCHRONE_DRAIN_MS,
      config.ISOCHRONE_STATE_ENDPOINT,
    );
  }
}
