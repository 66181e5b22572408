import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AdminRows, Callers, Identities, NamespaceLimits, Operators, Subjects, Tokens } from '#libs/auth';
import { operatorRoutesEnabled, readWorld, regionOf, type RegionConfig } from '#libs/config';
import { EntityStore, EventBus, limitProfiles } from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { KafkaModule } from '../../kafka/kafka.module.js';
import { StorageModule } from '../../storage.module.js';
import { Orders } from '../invocations/orders.js';
import { Settings, type OperatorSettings } from '../settings.js';
import { announce } from './announce.js';
import { Definitions } from './definitions.js';
import { Resolver } from './resolver.js';

const modules = new WeakMap<RegionConfig, DynamicModule>();

/** What is defined, whose it is, and orders to run it, behind caches that all roles of a process share. */
@Module({})
export class DefinitionsModule {
  static with(config: RegionConfig): DynamicModule {
    const known = modules.get(config);
    if (known) return known;
    const world = readWorld(config.ISOCHRONE_WORLD);
    const region = regionOf(world, config.ISOCHRONE_REGION);
    const settings = new Settings(
      limitProfiles[config.ISOCHRONE_LIMITS],
      region,
      new Operators(config.ISOCHRONE_ADMIN_TOKEN, config.ISOCHRONE_ADMIN_TOKENS),
      config.ISOCHRONE_KINDS,
      world.url,
      operator(config),
    );
    const auth: Provider[] = [
      { provide: Identities, useFactory: (store: EntityStore) => new Identities(store), inject: [EntityStore] },
      { provide: Tokens, useFactory: () => tokensOf(config) },
      {
        provide: Callers,
        useFactory: (identities: Identities, tokens: Tokens) => new Callers(identities, tokens, config.ISOCHRONE_LIMITS !== 'openwhisk'),
        inject: [Identities, Tokens],
      },
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
      exports: [Settings, Tokens, Callers, Identities, AdminRows, Subjects, NamespaceLimits, Definitions, Resolver, Orders],
    };
    modules.set(config, module);
    return module;
  }
}

function operator(config: RegionConfig): OperatorSettings {
  const { ISOCHRONE_CONTROLLER_USERNAME: user, ISOCHRONE_CONTROLLER_PASSWORD: password } = config;
  const credentials = user === undefined || password === undefined ? undefined : `${user}:${password}`;
  return { enabled: operatorRoutesEnabled(config), credentials };
}

/** The tokens that are believed here, if any. */
function tokensOf(config: RegionConfig): Tokens {
  const { ISOCHRONE_OIDC_ISSUER: issuer, ISOCHRONE_OIDC_AUDIENCE: audience } = config;
  const believed =
    issuer === undefined || audience === undefined
      ? undefined
      : {
          issuer,
          audience,
          jwks: config.ISOCHRONE_OIDC_JWKS,
          namespacesClaim: config.ISOCHRONE_OIDC_NAMESPACES_CLAIM,
          orgsClaim: config.ISOCHRONE_OIDC_ORGS_CLAIM,
        };
  return new Tokens(believed, config.ISOCHRONE_DEV_TOKEN);
}

/** Rows of administration, whose changes this process sees at once and the others of the region by an event. */
function adminRows(store: EntityStore, events: EventBus, identities: Identities, logger: Logger): AdminRows {
  return new AdminRows(store, (key) => {
    identities.forget(key);
    announce(events, logger, key);
  });
}
