import type { Identity, Operators } from '#libs/auth';
import { profileFor, type LimitProfile, type WorldRegion } from '#libs/domain';

/** What operators of OpenWhisk may ask of a controller. */
export interface OperatorSettings {
  readonly enabled: boolean;
  /** `USER:PASSWORD` of who may disable it; undefined where nobody may. */
  readonly credentials: string | undefined;
}

/** What the controller of a region goes by, read once at the start. */
export class Settings {
  constructor(
    readonly profile: LimitProfile,
    readonly region: WorldRegion,
    readonly operators: Operators,
    /** The kinds of runtimes that actions may have here. */
    readonly kinds: readonly string[],
    /** Base URL of the world, as its callers know it. */
    readonly publicUrl: string,
    readonly operator: OperatorSettings = { enabled: false, credentials: undefined },
  ) {}

  /** The profile as it holds for a namespace. */
  profileOf({ limits }: Pick<Identity, 'limits'>): LimitProfile {
    return profileFor(limits, this.profile);
  }
}
