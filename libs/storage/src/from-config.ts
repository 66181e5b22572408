import { readWorld, regionOf, type RegionConfig, type ReplicationConfig } from '#libs/config';
import type { Logger } from '#libs/telemetry';
import { openStorage, type Storage } from './open.js';

/** Opens the storage of the region that a process's configuration names. */
export function openRegionStorage(config: RegionConfig | ReplicationConfig, logger: Logger, retentionDays?: number): Promise<Storage> {
  const world = readWorld(config.ISOCHRONE_WORLD);
  const { ISOCHRONE_S3_ACCESS_KEY: s3AccessKey, ISOCHRONE_S3_SECRET_KEY: s3SecretKey } = config;
  return openStorage({
    databaseUrl: config.ISOCHRONE_DATABASE_URL,
    blobs: config.ISOCHRONE_BLOBS,
    region: regionOf(world, config.ISOCHRONE_REGION),
    world,
    regionKeyFile: config.ISOCHRONE_REGION_KEY,
    logger,
    ...(s3AccessKey === undefined ? {} : { s3AccessKey }),
    ...(s3SecretKey === undefined ? {} : { s3SecretKey }),
    ...(retentionDays === undefined ? {} : { retentionDays }),
  });
}
