import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entityIdAt, isUuid } from './ids.js';

test('ids of entities are UUIDs of version 7: they sort by when the entity was made', () => {
  const ids = [0, 1, 255, 1_700_000_000_000, 1_700_000_000_001].map((ms, at) => entityIdAt(ms, `${9 - at}`.repeat(20)));
  assert.deepEqual(ids.toSorted(), ids);
  for (const id of ids) {
    assert.ok(isUuid(id));
    assert.match(id, /^.{14}7.{4}[89ab]/);
  }
});

test('an id keeps all the randomness it has room for', () => {
  assert.equal(entityIdAt(0x0123456789ab, 'fedcba98765432100123'), '01234567-89ab-7fed-8ba9-876543210012');
});
