import type { ActivationStore, EntityStore, ObjectStore, World, WorldRegion } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import type pg from 'pg';
import { Partitions } from './activations/partitions.js';
import { PgActivationStore } from './activations/pg-activation-store.js';
import { PgEntityStore } from './entities/pg-entity-store.js';
import { NamespaceKeys } from './keys/namespace-keys.js';
import { migrate } from './migrate.js';
import { openObjectStore, type ObjectStoreCredentials } from './objects/open.js';
import { openPool } from './pools.js';

/** What it takes to open a region's storage. */
export interface StorageConfig extends ObjectStoreCredentials {
  readonly databaseUrl: string;
  readonly blobs: string;
  readonly region: WorldRegion;
  readonly world: World;
  readonly regionKeyFile: string;
  readonly retentionDays?: number;
  readonly logger: Logger;
  /** Connections of each of the two pools, for reads and for writes. */
  readonly poolMax?: number;
}

/** A region's storage: its database, its objects and the keys of its namespaces. */
export interface Storage {
  readonly entities: EntityStore;
  readonly activations: ActivationStore;
  readonly objects: ObjectStore;
  readonly keys: NamespaceKeys;
  /** Connections for other uses of the same process. */
  readonly pool: pg.Pool;
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/** Migrates the database, opens everything and keeps the partitions of activations in order until it is closed. */
export async function openStorage(config: StorageConfig): Promise<Storage> {
  const { databaseUrl, region, world, logger, retentionDays = 7, poolMax = 6 } = config;
  await migrate(databaseUrl, logger);
  // Apart, so that a crowd of readers cannot keep a claim from being written.
  const reads = openPool(databaseUrl, 'reads', poolMax, logger);
  const writes = openPool(databaseUrl, 'writes', poolMax, logger);
  const entities = new PgEntityStore(reads, writes, region);
  const activations = new PgActivationStore(reads, writes);
  const partitions = new Partitions(writes, retentionDays, logger);
  await partitions.start();
  return {
    entities,
    activations,
    objects: openObjectStore(config.blobs, config),
    keys: new NamespaceKeys(entities, world, region, config.regionKeyFile),
    pool: writes,
    healthy: () => answers(reads),
    close: async () => {
      partitions.stop();
      await activations.idle();
      await Promise.all([reads.end(), writes.end()]);
    },
  };
}

async function answers(pool: pg.Pool): Promise<boolean> {
  try {
    await pool.query({ text: 'select 1' });
    return true;
  } catch {
    return false;
  }
}
