import { Injectable, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { readWorld, regionOf, type RegionConfig } from '#libs/config';
import { ActivationStore, EntityStore, limitProfiles, ObjectStore } from '#libs/domain';
import { NamespaceKeys, openStorage, type Storage } from '#libs/storage';
import { Logger } from '#libs/telemetry';

/** The open storage of this region: what health checks ask. */
@Injectable()
export class RegionStorage implements OnApplicationShutdown {
  constructor(readonly storage: Storage) {}

  /** Whether the database answers. */
  healthy(): Promise<boolean> {
    return this.storage.healthy();
  }

  /** Runs after every role has drained. */
  async onApplicationShutdown(): Promise<void> {
    await this.storage.close();
  }
}

const modules = new WeakMap<RegionConfig, DynamicModule>();

/** The region's database and objects, behind their ports. One and the same for every role of a process. */
@Module({})
export class StorageModule {
  static with(config: RegionConfig): DynamicModule {
    const known = modules.get(config);
    if (known) return known;
    const ports = [
      [EntityStore, 'entities'],
      [ActivationStore, 'activations'],
      [ObjectStore, 'objects'],
      [NamespaceKeys, 'keys'],
    ] as const;
    const module: DynamicModule = {
      module: StorageModule,
      providers: [
        { provide: RegionStorage, useFactory: async (logger: Logger) => new RegionStorage(await open(config, logger)), inject: [Logger] },
        ...ports.map(([provide, part]) => ({
          provide,
          useFactory: ({ storage }: RegionStorage) => storage[part],
          inject: [RegionStorage],
        })),
      ],
      exports: [RegionStorage, ...ports.map(([port]) => port)],
    };
    modules.set(config, module);
    return module;
  }
}

function open(config: RegionConfig, logger: Logger): Promise<Storage> {
  const world = readWorld(config.ISOCHRONE_WORLD);
  const { ISOCHRONE_S3_ACCESS_KEY: s3AccessKey, ISOCHRONE_S3_SECRET_KEY: s3SecretKey } = config;
  return openStorage({
    databaseUrl: config.ISOCHRONE_DATABASE_URL,
    blobs: config.ISOCHRONE_BLOBS,
    ...(s3AccessKey === undefined ? {} : { s3AccessKey }),
    ...(s3SecretKey === undefined ? {} : { s3SecretKey }),
    region: regionOf(world, config.ISOCHRONE_REGION),
    world,
    regionKeyFile: config.ISOCHRONE_REGION_KEY,
    retentionDays: limitProfiles[config.ISOCHRONE_LIMITS].retentionDays,
    logger,
  });
}
