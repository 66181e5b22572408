import type { Provider } from '@nestjs/common';
import { readWorld, type RegionConfig } from '#libs/config';
import { PgAlarms } from '#libs/storage';
import { RegionStorage } from '../../storage.module.js';
import { AlarmClock, ClockOptions } from './alarm-clock.js';
import { AlarmFiring } from './alarm-firing.js';
import { Peers } from './peers.js';

/** How often other regions are asked for their readiness at most, ms. */
const probeMaxMs = 5000;

/** What makes alarms go off, in a controller. */
export function alarmProviders(config: RegionConfig): Provider[] {
  const takeoverMs = config.ISOCHRONE_ALARM_TAKEOVER_MS;
  const others = readWorld(config.ISOCHRONE_WORLD).regions.filter(({ id }) => id !== config.ISOCHRONE_REGION);
  return [
    { provide: PgAlarms, useFactory: ({ storage }: RegionStorage) => new PgAlarms(storage.pool), inject: [RegionStorage] },
    { provide: Peers, useValue: new Peers(others, Math.min(probeMaxMs, Math.ceil(takeoverMs / 4))) },
    { provide: ClockOptions, useValue: new ClockOptions(config.ISOCHRONE_DATABASE_URL, takeoverMs) },
    AlarmFiring,
    AlarmClock,
  ];
}
