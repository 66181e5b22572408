import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { spaces } from '#libs/domain';
import { guestKey, guestRows } from './guest.js';
import { newSettings, type Settings } from './settings.js';

const settings: Settings = { ...newSettings(1_700_000_000_000), codes: { 'us-east-1': 1, 'eu-west-1': 2 } };

test('the rows of the guest are the same whenever and wherever they are made', () => {
  assert.deepEqual(guestRows(settings, Buffer.from('sealed')), guestRows(settings, Buffer.from('sealed')));
});

test('a new set of wraps makes newer rows', () => {
  const version = (generation: number) =>
    BigInt(guestRows({ ...settings, guest: { ...settings.guest, generation } }, Buffer.from('sealed'))[0]?.hlc ?? 0);
  assert.equal(version(1) - version(0), 1n);
  assert.equal(version(0) >> 16n, BigInt(settings.createdAtMs));
});

test('the key is kept as a hash, and whole only where it is sealed', () => {
  const rows = guestRows(settings, Buffer.from('sealed'));
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
