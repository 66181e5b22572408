import { Injectable, type BeforeApplicationShutdown, type Provider } from '@nestjs/common';
import { Throttles } from '#libs/auth';
import type { LimitProfile } from '#libs/domain';
import { PgThrottleCounts } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { RegionStorage } from '../../storage.module.js';

/** What this controller counts together with the other controllers of its region, for as long as it serves. */
@Injectable()
class RegionThrottles implements BeforeApplicationShutdown {
  constructor(
    readonly throttles: Throttles,
    private readonly counts: PgThrottleCounts,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.counts.leave();
  }
}

/** The throttles of a controller whose limits are those of the profile where a namespace has none of its own. */
export function throttleProviders(profile: LimitProfile): Provider[] {
  return [
    {
      provide: RegionThrottles,
      useFactory: async ({ storage }: RegionStorage, logger: Logger) => {
        const counts = await PgThrottleCounts.join(storage.pool, logger);
        const failed = (cause: unknown): void => logger.warn('rates are counted by this controller alone for a moment', {}, cause);
        return new RegionThrottles(new Throttles(profile, counts, failed), counts);
      },
      inject: [RegionStorage, Logger],
    },
    { provide: Throttles, useFactory: ({ throttles }: RegionThrottles) => throttles, inject: [RegionThrottles] },
  ];
}
