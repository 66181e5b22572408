import { Module, type DynamicModule } from '@nestjs/common';
import type { RegionConfig } from '#libs/config';
import { TelemetryModule } from './telemetry.module.js';

interface RoleModule {
  with(config: RegionConfig): DynamicModule | Promise<DynamicModule>;
}

/** Loads a role's module when it is asked for, so that an invoker never holds a controller's code in memory. */
const roles: Record<RegionConfig['ISOCHRONE_ROLES'][number], () => Promise<RoleModule>> = {
  controller: async () => (await import('./controller/controller.module.js')).ControllerModule,
  kafka: async () => (await import('./kafka/flows/flows.module.js')).FlowsModule,
  invoker: async () => (await import('./invoker/invoker.module.js')).InvokerModule,
};

/** The regional app: the roles that `ISOCHRONE_ROLES` picks, in one process. */
@Module({})
export class RegionModule {
  static async with(config: RegionConfig): Promise<DynamicModule> {
    const picked = await Promise.all([...new Set(config.ISOCHRONE_ROLES)].map(async (role) => (await roles[role]()).with(config)));
    return { module: RegionModule, imports: [TelemetryModule.with(config), ...picked] };
  }
}
