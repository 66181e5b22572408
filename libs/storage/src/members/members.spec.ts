import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegionCode, RegionId, World } from '#libs/domain';
import { planMembers } from './members.js';
import type { Member } from './tables.js';

function aWorld(...regions: readonly (readonly [string, number])[]): World {
  return {
    name: 'test',
    url: 'http://router',
    defaultRegion: 'a' as RegionId,
    regions: regions.map(([id, code]) => ({
      id: id as RegionId,
      code: code as RegionCode,
      place: { lat: 0, lon: 0, name: id },
      url: `http://${id}`,
      replicationUrl: `https://${id}`,
      publicKey: '',
    })),
  };
}

const member = (region: string, code: number, more: Partial<Member> = {}): Member => ({
  region,
  code,
  state: 'active',
  epoch: 1,
  url: `https://${region}`,
  ...more,
});

test('a new database remembers every region', () => {
  assert.deepEqual(planMembers([], aWorld(['a', 1], ['b', 2])), [member('a', 1), member('b', 2)]);
});

test('a world that did not change changes nothing', () => {
  assert.deepEqual(planMembers([member('a', 1)], aWorld(['a', 1])), []);
});

test('regions join, move, leave and come back, each with its own code', () => {
  assert.deepEqual(planMembers([member('a', 1)], aWorld(['a', 1], ['b', 2])), [member('b', 2)]);
  assert.deepEqual(planMembers([member('a', 1, { url: 'https://old' })], aWorld(['a', 1])), [member('a', 1, { epoch: 2 })]);
  const gone = planMembers([member('a', 1), member('b', 2)], aWorld(['a', 1]));
  assert.deepEqual(gone, [member('b', 2, { state: 'removed', epoch: 2 })]);
  assert.deepEqual(planMembers([member('a', 1), ...gone], aWorld(['a', 1], ['b', 2])), [member('b', 2, { epoch: 3 })]);
});

test('a code that was given once is never given again, not even after its region left', () => {
  assert.throws(
    () => planMembers([member('b', 2, { state: 'removed' })], aWorld(['a', 1], ['c', 2])),
    /code 2 to region 'c'.*'b' for ever/,
  );
  assert.throws(() => planMembers([member('a', 1)], aWorld(['a', 3])), /region 'a' code 3.*code 1 for ever/);
});
