import type { Identity, Operators } from '#libs/auth';
import { profileFor, type LimitProfile, type WorldRegion } from '#libs/domain';

/** What the controller of a region goes by, read once at the start. */
export class Settings {
  constructor(
    readonly profile: LimitProfile,
    readonly region: WorldRegion,
    readonly operators: Operators,
  ) {}

  /** The profile as it holds for a namespace. */
  profileOf({ limits }: Pick<Identity, 'limits'>): LimitProfile {
    return profileFor(limits, this.profile);
  }
}
