import { Injectable, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { RegionConfig } from '#libs/config';
import { ActivationStore, EntityStore, limitProfiles, ObjectStore } from '#libs/domain';
import { NamespaceKeys, openRegionStorage, PgAudit, PgEntityStore, PgErasures, type Storage } from '#libs/storage';
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
    const { retentionDays } = limitProfiles[config.ISOCHRONE_LIMITS];
    const ports = [
      [EntityStore, 'entities'],
      [ActivationStore, 'activations'],
      [ObjectStore, 'objects'],
      [NamespaceKeys, 'keys'],
      [PgEntityStore, 'entities'],
      [PgAudit, 'audit'],
      [PgErasures, 'erasures'],
    ] as const;
    const module: DynamicModule = {
      module: StorageModule,
      providers: [
        {
          provide: RegionStorage,
          useFactory: async (logger: Logger) => new RegionStorage(await openRegionStorage(config, logger, retentionDays)),
          inject: [Logger],
        },
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
