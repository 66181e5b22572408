import type { LimitProfile, WorldRegion } from '#libs/domain';

/** What the controller of a region goes by, read once at the start. */
export class Settings {
  constructor(
    readonly profile: LimitProfile,
    readonly region: WorldRegion,
    readonly adminToken: string,
    /** Base URL of the world, as its callers know it. */
    readonly publicUrl: string,
  ) {}
}
