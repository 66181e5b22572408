import type { ActivationStore, ObjectStore, World, WorldRegion } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { PgAudit } from './admin/pg-audit.js';
import { PgErasures } from './admin/pg-erasures.js';
import { Partitions } from './activations/partitions.js';
import { PgActivationStore } from './activations/pg-activation-store.js';
import { PgEntityStore } from './entities/pg-entity-store.js';
import { NamespaceKeys } from './keys/namespace-keys.js';
import { publicKeyOf } from './keys/region-key.js';
import { planMembers } from './members/members.js';
import { MemberTable } from './members/tables.js';
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
  readonly entities: PgEntityStore;
  readonly activations: ActivationStore;
  readonly objects: ObjectStore;
  readonly keys: NamespaceKeys;
  readonly audit: PgAudit;
  readonly erasures: PgErasures;
  /** Connections for other uses of the same process. */
  readonly pool: pg.Pool;
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Migrates the database, remembers the world's regions, opens everything and keeps the partitions of activations in order until it is closed. Throws where
 * the region's key or the codes of the world's regions are not what they were.
 */
export async function openStorage(config: StorageConfig): Promise<Storage> {
  const { databaseUrl, region, world, logger, retentionDays = 7, poolMax = 6 } = config;
  const privatePem = readRegionKey(config.regionKeyFile, region);
  const objects = openObjectStore(config.blobs, config);
  await migrate(databaseUrl, logger, {
    more: async (source) => {
      const members = source.getRepository(MemberTable);
      await members.save(planMembers(await members.find(), world));
    },
  });
  // Apart, so that a crowd of readers cannot keep a claim from being written.
  const reads = openPool(databaseUrl, 'reads', poolMax, logger);
  const writes = openPool(databaseUrl, 'writes', poolMax, logger);
  const entities = new PgEntityStore(reads, writes, region);
  const activations = new PgActivationStore(reads, writes);
  const keys = new NamespaceKeys(entities, world, region, privatePem);
  const partitions = new Partitions(writes, retentionDays, logger);
  await partitions.start();
  const wrapped = await keys.wrapForNewRegions();
  if (wrapped > 0) logger.log('namespace keys were wrapped for regions that joined', { keys: wrapped });
  return {
    entities,
    activations,
    objects,
    keys,
    audit: new PgAudit(writes),
    erasures: new PgErasures(writes, objects, keys),
    pool: writes,
    healthy: () => answers(reads),
    close: async () => {
      partitions.stop();
      await activations.idle();
      await Promise.all([reads.end(), writes.end()]);
    },
  };
}

/** The region's private key in PEM; throws where it is not the one whose public half the world knows. */
function readRegionKey(file: string, region: WorldRegion): string {
  const privatePem = readFileSync(file, 'utf8');
  if (publicKeyOf(privatePem) !== region.publicKey)
    throw new Error(`${file} is not the private key of region '${region.id}': world.json names another public key`);
  return privatePem;
}

async function answers(pool: pg.Pool): Promise<boolean> {
  try {
    await pool.query({ text: 'select 1' });
    return true;
  } catch {
    return false;
  }
}
