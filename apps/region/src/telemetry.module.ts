import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { RegionConfig } from '#libs/config';
import { Logger } from '#libs/telemetry';

/** The logger of this process, for every module. */
@Global()
@Module({})
export class TelemetryModule {
  static with(config: RegionConfig): DynamicModule {
    const logger = new Logger({ process: config.ISOCHRONE_NAME, region: config.ISOCHRONE_REGION }, config.ISOCHRONE_LOG_LEVEL);
    return { module: TelemetryModule, providers: [{ provide: Logger, useValue: logger }], exports: [Logger] };
  }
}
