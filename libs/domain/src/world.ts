import type { RegionCode, RegionId } from './ids.js';

/**
 * The address from which actions reach the API of a world that is on their own machine. It is nobody else's: what comes from there is no proxy's and
 * no operator's word.
 */
export const actionsAddress = '127.0.0.2';

/** A point on the earth, degrees. */
export interface Place {
  readonly lat: number;
  readonly lon: number;
  readonly name: string;
}

/** One region as every other part of the world sees it. */
export interface WorldRegion {
  readonly id: RegionId;
  readonly code: RegionCode;
  readonly place: Place;
  /** Base URL of the region's REST API. */
  readonly url: string;
  /** Base URL (https) of its replication service. */
  readonly replicationUrl: string;
  /** X25519 public key (base64, raw 32 bytes) for which namespace keys are wrapped. */
  readonly publicKey: string;
}

/** A world: its regions and its router. The schema that reads it from `world.json` stands in libs/config. */
export interface World {
  readonly name: string;
  /** Base URL of the router. */
  readonly url: string;
  /** Serves callers whose place is unknown. */
  readonly defaultRegion: RegionId;
  readonly regions: readonly WorldRegion[];
}
