import type { RegionId, World } from '#libs/domain';
import type { RegionView } from '#libs/routing';
import type { Logger } from '#libs/telemetry';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Region } from './region.js';

/** The regions of the world. */
@Injectable()
export class Regions implements OnApplicationShutdown {
  readonly all: readonly Region[];
  readonly #byId: ReadonlyMap<RegionId, Region>;
  readonly #byCode: ReadonlyMap<number, Region>;

  constructor(
    readonly world: World,
    private readonly log: Logger,
    now: () => number = Date.now,
  ) {
    this.all = world.regions.map((region) => new Region(region, now, this.#changed));
    this.#byId = new Map(this.all.map((region) => [region.id, region]));
    this.#byCode = new Map(this.all.map((region) => [region.world.code, region]));
  }

  /** The region by its name. */
  find(id: string | undefined): Region | undefined {
    return id === undefined ? undefined : this.#byId.get(id as RegionId);
  }

  /** The region by the code that opens its activation ids. */
  findByCode(code: number | undefined): Region | undefined {
    return code === undefined ? undefined : this.#byCode.get(code);
  }

  /** All regions as routing sees them now. */
  views(): RegionView[] {
    return this.all.map((region) => ({ id: region.id, place: region.world.place, healthy: region.health.up }));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.all.map((region) => region.close()));
  }

  readonly #changed = (region: Region): void => {
    const { up, trouble, detail } = region.health;
    if (up) this.log.log('region is up', { region: region.id });
    else this.log.warn('region is down', { region: region.id, trouble, detail });
  };
}
