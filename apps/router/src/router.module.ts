import { Operators } from '#libs/auth';
import type { World } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { Module, type DynamicModule } from '@nestjs/common';
import { AdminController } from './admin/admin.controller.js';
import type { AddressRange } from './caller/address.js';
import { GeoDatabase } from './caller/geo.js';
import { Draining } from './health/draining.js';
import { HealthController } from './health/health.controller.js';
import { Prober } from './health/prober.js';
import { Proxy } from './proxy/proxy.js';
import { Regions } from './proxy/regions.js';
import { Traces } from './proxy/trace.js';

/** What a router is made of. */
export interface RouterSettings {
  readonly world: World;
  readonly operators: Operators;
  readonly trusted: readonly AddressRange[];
  readonly log: Logger;
  readonly operatorRoutes: boolean;
  readonly domain: string | undefined;
}

/** The router. */
@Module({})
export class RouterModule {
  static with({ world, operators, trusted, log, operatorRoutes, domain }: RouterSettings): DynamicModule {
    return {
      module: RouterModule,
      controllers: [HealthController, AdminController],
      providers: [
        GeoDatabase,
        Traces,
        Draining,
        Prober,
        { provide: Regions, useFactory: () => new Regions(world, log) },
        { provide: Operators, useValue: operators },
        {
          provide: Proxy,
          inject: [Regions, GeoDatabase, Traces, Draining, Prober],
          useFactory: (regions: Regions, geo: GeoDatabase, traces: Traces, draining: Draining, prober: Prober) =>
            new Proxy(regions, geo, traces, draining, prober, { trusted, log, operatorRoutes, domain }),
        },
      ],
    };
  }
}
