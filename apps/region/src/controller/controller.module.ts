import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { Identities, Subjects, Throttles } from '#libs/auth';
import { readWorld, regionOf, type RegionConfig } from '#libs/config';
import { EntityStore, EventBus, limitProfiles } from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { KafkaModule } from '../kafka/kafka.module.js';
import { StorageModule } from '../storage.module.js';
import { Actions } from './actions/actions.js';
import { CodeVault } from './actions/code.js';
import { Activations } from './activations/activations.js';
import { AdminController } from './admin/admin.controller.js';
import { ChangesController } from './changes.controller.js';
import { Definitions } from './definitions/definitions.js';
import { Resolver } from './definitions/resolver.js';
import { HealthController } from './health/health.controller.js';
import { Info } from './info/info.js';
import { RootRoutes } from './info/root.routes.js';
import { Invocations } from './invocations/invocations.js';
import { Invoke } from './invocations/invoke.js';
import { Lifecycle } from './lifecycle.js';
import { Limits } from './limits/limits.js';
import { LogForwardingRoutes } from './log-forwarding/log-forwarding.routes.js';
import { Packages } from './packages/packages.js';
import type { EntityCall, Routes } from './rest/call.js';
import { Features } from './rest/features.js';
import { RestRoutes } from './rest/rest.routes.js';
import { RuleBook } from './rules/rule-book.js';
import { Rules } from './rules/rules.js';
import { Settings } from './settings.js';
import { Firing } from './triggers/firing.js';
import { Triggers } from './triggers/triggers.js';
import { WebActions } from './web/web-actions.js';
import { WebRoutes } from './web/web.routes.js';

const services: Provider[] = [
  Definitions,
  Resolver,
  CodeVault,
  Invocations,
  Invoke,
  Lifecycle,
  Actions,
  Packages,
  Triggers,
  Firing,
  Rules,
  RuleBook,
  Activations,
  Limits,
  Info,
  RootRoutes,
  RestRoutes,
  WebActions,
  WebRoutes,
  LogForwardingRoutes,
];

/** The controller of a region: OpenWhisk's REST API, web actions, and what operators ask. */
@Module({})
export class ControllerModule {
  static with(config: RegionConfig): DynamicModule {
    const profile = limitProfiles[config.ISOCHRONE_LIMITS];
    const settings = new Settings(
      profile,
      regionOf(readWorld(config.ISOCHRONE_WORLD), config.ISOCHRONE_REGION),
      config.ISOCHRONE_ADMIN_TOKEN,
    );
    const auth: Provider[] = [
      { provide: Identities, useFactory: (store: EntityStore) => new Identities(store), inject: [EntityStore] },
      { provide: Throttles, useValue: new Throttles(profile) },
      { provide: Subjects, useFactory: subjects, inject: [EntityStore, NamespaceKeys, EventBus, Identities, Logger] },
    ];
    const features: Provider = {
      provide: Features,
      useFactory: (info: Info, actions: Actions, invoke: Invoke, ...others: [Packages, Triggers, Rules, Activations, Limits]) => {
        const [packages, triggers, rules, activations, limits] = others.map(({ routes }) => routes) as [
          Routes,
          Routes,
          Routes,
          Routes,
          Routes,
        ];
        const { entity, ...rest } = actions.routes;
        const withInvoke = { ...rest, entity: { ...entity, POST: (call: EntityCall) => invoke.invoke(call) } };
        return new Features(() => info.api(), { actions: withInvoke, packages, triggers, rules, activations, limits });
      },
      inject: [Info, Actions, Invoke, Packages, Triggers, Rules, Activations, Limits],
    };
    return {
      module: ControllerModule,
      imports: [StorageModule.with(config), KafkaModule.with(config)],
      controllers: [HealthController, AdminController, ChangesController],
      providers: [{ provide: Settings, useValue: settings }, ...auth, features, ...services],
    };
  }
}

/** Subjects whose changes this process sees at once and the others of the region by an event. */
function subjects(store: EntityStore, keys: NamespaceKeys, events: EventBus, identities: Identities, logger: Logger): Subjects {
  return new Subjects(store, keys, (key) => {
    identities.forget(key);
    events.publish({ topic: 'entity.changed', key }).catch((cause: unknown) => {
      logger.warn('an event was lost; caches of other processes are late', { topic: 'entity.changed' }, cause);
    });
  });
}
