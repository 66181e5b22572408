import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { spaces } from '#libs/domain';
import { newRegionKey } from '#libs/storage';
import { describeWorld } from './geography.js';
import { completeSecrets, guest, guestKey, system, wellKnownRows } from './guest.js';
import { newSettings, type Settings } from './settings.js';

const bare: Settings = {
  ...newSettings(1_700_000_000_000),
  regions: ['us-east-1', 'eu-west-1'],
  codes: { 'us-east-1': 1, 'eu-west-1': 2 },
};
const worldOf = (settings: Settings) =>
  describeWorld(settings, Object.fromEntries(settings.regions.map((id) => [id, newRegionKey().publicKey])));
const complete = (from: Settings): Settings => ({
  ...from,
  guest: completeSecrets(guest, from.guest, worldOf(from)),
  system: completeSecrets(system, from.system, worldOf(from)),
});
const settings = complete(bare);
const guestRows = (of: Settings) => wellKnownRows(of).filter(({ ns }) => ns === guest.uuid);

test('the rows of well-known namespaces are the same whenever and wherever they are made', () => {
  assert.deepEqual(wellKnownRows(settings), wellKnownRows(settings));
  assert.equal(wellKnownRows(settings).length, 6);
  assert.equal(complete(settings).guest, settings.guest);
  assert.equal(complete(settings).system, settings.system);
});

test('a new set of wraps makes newer rows', () => {
  const more: Settings = { ...settings, regions: [...settings.regions, 'sa-east-1'], codes: { ...settings.codes, 'sa-east-1': 3 } };
  const later = complete(more);
  const version = (of: Settings) => BigInt(guestRows(of)[0]?.hlc ?? 0);
  assert.equal(version(later) - version(settings), 1n);
  assert.equal(version(settings) >> 16n, BigInt(settings.createdAtMs));
  assert.deepEqual(Object.keys(later.guest.wraps).toSorted(), ['eu-west-1', 'sa-east-1', 'us-east-1']);
  assert.equal(later.guest.sealedKey, settings.guest.sealedKey);
});

test('the key is kept as a hash, and whole only where it is sealed', () => {
  const rows = guestRows(settings);
  const [uuid = '', secret = ''] = guestKey.split(':');
  const key = rows.find(({ space }) => space === spaces.key);
  assert.equal(key?.path, uuid);
  assert.deepEqual(JSON.parse(key?.doc ?? ''), {
    subject: 'guest',
    namespace: 'guest',
    hash: createHash('sha256').update(secret).digest('hex'),
  });
  assert.ok(rows.every(({ doc }) => !doc?.includes(secret)));
});
