import type { Place, RegionCode, RegionId, World } from '#libs/domain';
import { regionPlaces } from '#libs/routing';
import { Refusal } from '../refusal.js';
import { firstRegionOffset } from './plan.js';
import type { Settings } from './settings.js';

/** The regions of a world that is asked for none by name. */
export const standardRegions = ['us-east-1', 'eu-west-1', 'ap-northeast-1'] as const;

/** More regions than a machine of any size runs. */
const regionsMax = 32;

/** Checks the regions that somebody asks for; throws one line for an unknown name, one given twice, or none at all. */
export function checkRegions(names: readonly string[]): readonly string[] {
  if (names.length === 0) throw new Refusal('a world has at least one region: --regions us-east-1,eu-west-1', 2);
  if (names.length > regionsMax) throw new Refusal(`a world on one machine has at most ${regionsMax} regions`, 2);
  for (const [index, name] of names.entries()) {
    placeOf(name);
    if (names.indexOf(name) !== index) throw new Refusal(`region '${name}' is named twice`, 2);
  }
  return names;
}

/** The world as its processes read it from world.json. `publicKeys` and places are by region id. */
export function describeWorld(settings: Settings, publicKeys: Readonly<Record<string, string>>): World {
  const { port, regions, codes, ports } = settings;
  return {
    name: 'local',
    url: `http://127.0.0.1:${port}`,
    defaultRegion: (regions[0] ?? '') as RegionId,
    regions: regions.map((id, index) => ({
      id: id as RegionId,
      code: (codes[id] ?? 0) as RegionCode,
      place: placeOf(id),
      url: `http://127.0.0.1:${port + firstRegionOffset + index}`,
      replicationUrl: `https://127.0.0.1:${ports[`${id}.replication`] ?? 0}`,
      publicKey: publicKeys[id] ?? '',
    })),
  };
}

function placeOf(region: string): Place {
  const place = Object.hasOwn(regionPlaces, region) ? regionPlaces[region] : undefined;
  if (!place) throw new Refusal(`there is no region '${region}'; known are ${Object.keys(regionPlaces).toSorted().join(', ')}`, 2);
  return place;
}
