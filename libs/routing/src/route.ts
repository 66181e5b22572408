/**
 * Which regions serve a request, best first. The nearest healthy one by great-circle distance serves; the rest stand by in the same order.
 *
 *   route({ regions: [us-east-1, eu-west-1, ap-northeast-1 (down)], defaultRegion: us-east-1, caller: Osaka })
 *   → { order: [us-east-1, eu-west-1], because: { kind: 'nearest', region: us-east-1, km: 11_100, passedOver: [ap-northeast-1] } }
 *
 * Limits: distance is a guess at latency, no more; it knows neither cables nor load.
 */
import type { RegionId } from '#libs/domain';
import { distanceKm, type Point } from './distance.js';

/** A region as routing sees it at one moment. */
export interface RegionView {
  readonly id: RegionId;
  readonly place: Point;
  readonly healthy: boolean;
}

/** What an address database said about a caller. */
export interface Whereabouts extends Point {
  /** How far off the point may be, km. */
  readonly radiusKm: number;
  /** Empty when only the country is known. */
  readonly city: string;
}

/** Why a caller has no usable place. */
export type NoPlace = 'unknown-address' | 'null-island' | 'country-only';

/** Why a region serves: data for headers, logs and the `why` answer. `passedOver` are the regions that would come first if they were healthy. */
export type Because =
  | { readonly kind: 'nearest'; readonly region: RegionId; readonly km: number; readonly passedOver: readonly RegionId[] }
  | { readonly kind: 'default'; readonly region: RegionId; readonly caller: NoPlace; readonly passedOver: readonly RegionId[] }
  | { readonly kind: 'pinned'; readonly region: RegionId }
  | { readonly kind: 'owner'; readonly region: RegionId }
  | { readonly kind: 'only-healthy'; readonly region: RegionId; readonly passedOver: readonly RegionId[] }
  | { readonly kind: 'no-healthy-region' };

/** Regions to try in turn, and why the first of them is first. */
export interface Decision {
  readonly order: readonly RegionId[];
  readonly because: Because;
}

/** Everything a decision rests on. */
export interface RoutingFacts {
  readonly regions: readonly RegionView[];
  /** Serves callers whose place is unknown. */
  readonly defaultRegion: RegionId;
  /** Where the caller is; null when the database has no row. */
  readonly caller: Whereabouts | null;
  /** The region the caller asked for. */
  readonly pin?: RegionId | undefined;
  /** The region that alone holds what is asked for. It is tried even while it looks down: nobody else has the answer. */
  readonly owner?: RegionId | undefined;
}

/**
 * The regions to try, best first: the owner alone; else the pin while healthy, then the others; else all healthy ones by distance from the
 * caller, or for a caller without a usable place the default region and the others by distance from it. Ties go to the lesser id.
 */
export function route(facts: RoutingFacts): Decision {
  if (facts.owner !== undefined) return { order: [facts.owner], because: { kind: 'owner', region: facts.owner } };

  const place = usablePlace(facts.caller);
  const origin = typeof place === 'string' ? facts.regions.find((r) => r.id === facts.defaultRegion)?.place : place;
  const ranked = rank(facts.regions, origin);
  const healthy = ranked.filter((r) => r.healthy);
  const order = healthy.map((r) => r.id);
  const [first] = order;
  if (first === undefined) return { order, because: { kind: 'no-healthy-region' } };

  const { pin } = facts;
  if (pin !== undefined && order.includes(pin)) {
    return { order: [pin, ...order.filter((id) => id !== pin)], because: { kind: 'pinned', region: pin } };
  }
  const ids = ranked.map((r) => r.id);
  if (order.length === 1 && ids.length > 1) {
    return { order, because: { kind: 'only-healthy', region: first, passedOver: ids.filter((id) => id !== first) } };
  }
  const passedOver = ids.slice(0, ids.indexOf(first));
  if (typeof place === 'string') return { order, because: { kind: 'default', region: first, caller: place, passedOver } };
  return { order, because: { kind: 'nearest', region: first, km: Math.round(healthy[0]?.km ?? 0), passedOver } };
}

/**
 * The point to measure from, or why there is none. Databases say "somewhere in this country" by the country's centre with a radius of
 * 1000 km and no city, and "no idea" by 0,0: a distance to either means nothing.
 */
export function usablePlace(caller: Whereabouts | null): Point | NoPlace {
  if (!caller || !Number.isFinite(caller.lat) || !Number.isFinite(caller.lon)) return 'unknown-address';
  if (caller.lat === 0 && caller.lon === 0) return 'null-island';
  if (caller.radiusKm >= 1000 && caller.city === '') return 'country-only';
  return { lat: caller.lat, lon: caller.lon };
}

function rank(regions: readonly RegionView[], origin: Point | undefined): (RegionView & { km: number })[] {
  return regions
    .map((region) => ({ ...region, km: origin ? distanceKm(origin, region.place) : 0 }))
    .toSorted((a, b) => a.km - b.km || (a.id < b.id ? -1 : 1));
}
