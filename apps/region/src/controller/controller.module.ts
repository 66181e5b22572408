import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { readWorld, regionOf, type RegionConfig } from '#libs/config';
import { limitProfiles } from '#libs/domain';
import { FlowsModule } from '../kafka/flows/flows.module.js';
import { KafkaModule } from '../kafka/kafka.module.js';
import { StorageModule } from '../storage.module.js';
import { Actions } from './actions/actions.js';
import { alarmProviders } from './alarms/alarm-providers.js';
import { CodeVault } from './actions/code.js';
import { SequenceCheck } from './actions/sequence-check.js';
import { Activations } from './activations/activations.js';
import { AuditLogRoutes } from './adobe/audit-log.routes.js';
import { OwnerRegion } from './activations/owner-region.js';
import { AdminController } from './admin/admin.controller.js';
import { AuditOptions, AuditTrail } from './admin/audit-trail.js';
import { Eraser } from './admin/eraser.js';
import { KeyRotation } from './admin/key-rotation.js';
import { NamespacesController } from './admin/namespaces.controller.js';
import { SubjectsController } from './admin/subjects.controller.js';
import { ChangesController } from './changes.controller.js';
import { DefinitionsModule } from './definitions/definitions.module.js';
import { CachedActions } from './gateway/cached-actions.js';
import { GatewayRoutes } from './gateway/gateway.routes.js';
import { HealthController } from './health/health.controller.js';
import { Info } from './info/info.js';
import { RootRoutes } from './info/root.routes.js';
import { Invocations } from './invocations/invocations.js';
import { Invoke } from './invocations/invoke.js';
import { Lifecycle } from './lifecycle.js';
import { Limits } from './limits/limits.js';
import { LogForwarding } from './log-forwarding/log-forwarding.js';
import { LogForwardingRoutes } from './log-forwarding/log-forwarding.routes.js';
import { DocsRoutes } from './openapi/docs.routes.js';
import { OperatorRoutes } from './operator/operator.routes.js';
import { Packages } from './packages/packages.js';
import type { EntityCall, Routes } from './rest/call.js';
import { Features } from './rest/features.js';
import { RestRoutes } from './rest/rest.routes.js';
import { RuleBook } from './rules/rule-book.js';
import { Rules } from './rules/rules.js';
import { throttleProviders } from './throttles/region-throttles.js';
import { Firing } from './triggers/firing.js';
import { CatalogInstaller, CatalogOptions } from './system/catalog-installer.js';
import { Triggers } from './triggers/triggers.js';
import { WebActions } from './web/web-actions.js';
import { WebRoutes } from './web/web.routes.js';

const services: Provider[] = [
  CodeVault,
  SequenceCheck,
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
  LogForwarding,
  LogForwardingRoutes,
  AuditTrail,
  Eraser,
  KeyRotation,
  AuditLogRoutes,
  CachedActions,
  GatewayRoutes,
  DocsRoutes,
  OperatorRoutes,
  CatalogInstaller,
];

/** The controller of a region: OpenWhisk's REST API, web actions, and what operators ask. */
@Module({})
export class ControllerModule {
  static with(config: RegionConfig): DynamicModule {
    const profile = limitProfiles[config.ISOCHRONE_LIMITS];
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
    const world = readWorld(config.ISOCHRONE_WORLD);
    const { defaultRegion } = world;
    const elsewhere = new OwnerRegion(world, regionOf(world, config.ISOCHRONE_REGION));
    const catalog = new CatalogOptions(config.ISOCHRONE_REGION === defaultRegion, config.ISOCHRONE_PROFILE !== 'local');
    return {
      module: ControllerModule,
      imports: [StorageModule.with(config), KafkaModule.with(config), DefinitionsModule.with(config), FlowsModule.with(config)],
      controllers: [HealthController, SubjectsController, NamespacesController, AdminController, ChangesController],
      providers: [
        { provide: OwnerRegion, useValue: elsewhere },
        ...throttleProviders(profile),
        features,
        { provide: AuditOptions, useValue: new AuditOptions(config.ISOCHRONE_AUDIT_DAYS, config.ISOCHRONE_TRUSTED_PROXIES) },
        { provide: CatalogOptions, useValue: catalog },
        ...alarmProviders(config),
        ...services,
      ],
    };
  }
}
