import type { World } from '#libs/domain';
import type { Member } from './tables.js';

/**
 * Holds a world against the regions that a database remembers. A region's code is given once and never again: it opens every activation id made
 * there and decides between versions, so a world that gives one anew is refused: throws one clear line. Returns the rows to write: new members,
 * and those whose state or address changed.
 */
export function planMembers(known: readonly Member[], world: World): Member[] {
  const byRegion = new Map(known.map((member) => [member.region, member]));
  const byCode = new Map(known.map((member) => [member.code, member]));
  for (const { id, code } of world.regions) {
    const owner = byCode.get(code);
    if (owner && owner.region !== id)
      throw new Error(`world.json gives code ${code} to region '${id}', but it is '${owner.region}' for ever`);
    const before = byRegion.get(id);
    if (before && before.code !== code)
      throw new Error(`world.json gives region '${id}' code ${code}, but it has code ${before.code} for ever`);
  }
  const active = world.regions.map(({ id, code, replicationUrl }) => changed(byRegion.get(id), { region: id, code, url: replicationUrl }));
  const gone = known
    .filter(({ region, state }) => state === 'active' && world.regions.every(({ id }) => id !== region))
    .map((member): Member => ({ ...member, state: 'removed', epoch: member.epoch + 1 }));
  return [...active.filter((member) => member !== undefined), ...gone];
}

function changed(before: Member | undefined, now: Pick<Member, 'region' | 'code' | 'url'>): Member | undefined {
  if (before?.state === 'active' && before.url === now.url) return undefined;
  return { ...now, state: 'active', epoch: (before?.epoch ?? 0) + 1 };
}
