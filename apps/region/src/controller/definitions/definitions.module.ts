import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AdminRows, Identities, NamespaceLimits, Operators, Subjects } from '#libs/auth';
import { readWorld, regionOf, type RegionConfig } from '#libs/config';
import { EntityStore, EventBus, limitProfiles } from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { KafkaModule } from '../../kafka/kafka.module.js';
import { StorageModule } from '../../storage.module.js';
import { Orders } from '../invocations/orders.js';
import { Settings } from '../settings.js';
import { Definitions } from './definitions.js';
import { Resolver } from './resolver.js';

const modules = new WeakMap<RegionConfig, DynamicModule>();

/** What is defined, whose it is, and orders to run it, behind caches that all roles of a process share. */
@Module({})
export class DefinitionsModule {
  static with(config: RegionConfig): DynamicModule {
    const known = modules.get(config);
    if (known) return known;
    const region = regionOf(readWorld(config.ISOCHRONE_WORLD), config.ISOCHRONE_REGION);
    const operators = new Operators(config.ISOCHRONE_ADMIN_TOKEN, config.ISOCHRONE_ADMIN_TOKENS);
    const settings = new Settings(limitProfiles[config.ISOCHRONE_LIMITS], region, operators);
    const auth: Provider[] = [
      { provide: Identities, useFactory: (store: EntityStore) => new Identities(store), inject: [EntityStore] },
      { provide: AdminRows, useFactory: adminRows, inject: [EntityStore, EventBus, Identities, Logger] },
      {
        provide: Subjects,
        useFactory: (rows: AdminRows, keys: NamespaceKeys) => new Subjects(rows, keys),
        inject: [AdminRows, NamespaceKeys],
      },
      { provide: NamespaceLimits, useFactory: (rows: AdminRows) => new NamespaceLimits(rows), inject: [AdminRows] },
    ];
    const module: DynamicModule = {
      module: DefinitionsModule,
      imports: [StorageModule.with(config), KafkaModule.with(config)],
      providers: [{ provide: Settings, useValue: settings }, ...auth, Definitions, Resolver, Orders],
      exports: [Settings, Identities, AdminRows, Subjects, NamespaceLimits, Definitions, Resolver, Orders],
    };
    modules.set(config, module);
    return module;
  }
}

/** Rows of administration, whose changes this process sees at once and the others of the region by an event. */
function adminRows(store: EntityStore, events: EventBus, identities: Identities, logger: Logger): AdminRows {
  return new AdminRows(store, (key) => {
    identities.forget(key);
    events.publish({ topic: 'entity.changed', key }).catch((cause: unknown) => {
      logger.warn('an event was lost; caches of other processes are late', { topic: 'entity.changed' }, cause);
    });
  });
}
