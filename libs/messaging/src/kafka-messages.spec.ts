import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActivationId, NamespaceId } from '#libs/domain';
import fc from 'fast-check';
import { decodeMessage, encodeMessage, partitionCount, partitionOf } from './kafka-messages.js';
import { decodeApiVersions, incompatible } from './kafka-versions.js';

const id = fc.stringMatching(/^[0-9a-f]{32}$/).map((text) => text as ActivationId);
const ns = fc.uuid().map((text) => text as NamespaceId);

test('a message survives the record, and anything else is known as foreign', () => {
  fc.assert(
    fc.property(id, ns, fc.uint8Array(), fc.nat(255), (id, ns, bytes, attempts) => {
      const body = Buffer.from(bytes);
      assert.deepEqual(decodeMessage(encodeMessage({ message: { id, ns, body }, attempts })), { message: { id, ns, body }, attempts });
    }),
  );
  for (const foreign of [null, Buffer.alloc(0), Buffer.from('{"topic":"x"}'), Buffer.alloc(100, 7)]) {
    assert.equal(decodeMessage(foreign), undefined);
  }
});

test('a namespace keeps to two different partitions and uses both', () => {
  fc.assert(
    fc.property(ns, fc.uniqueArray(id, { minLength: 64, maxLength: 64 }), (ns, ids) => {
      const used = new Set(ids.map((id) => partitionOf({ id, ns })));
      assert.ok(used.size === 2);
      for (const partition of used) assert.ok(partition >= 0 && partition < partitionCount);
    }),
    { numRuns: 50 },
  );
});

test('namespaces spread over all pairs of partitions', () => {
  const pairs = new Set<string>();
  for (let n = 0; n < 500; n += 1) {
    const ns = `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as NamespaceId;
    const of = Array.from({ length: 32 }, (_, i) => partitionOf({ ns, id: i.toString(16).padStart(32, '0') as ActivationId }));
    pairs.add([...new Set(of)].sort((a, b) => a - b).join(','));
  }
  assert.equal(pairs.size, (partitionCount * (partitionCount - 1)) / 2);
});

test('brokers whose lowest version is above ours are named, and so is a request they do not know', () => {
  const body = Buffer.alloc(10 + 2 * 6);
  body.writeInt32BE(2, 6);
  for (const [i, [key, min, max]] of [[0, 8, 13] as const, [1, 4, 17] as const].entries()) {
    body.writeInt16BE(key, 10 + i * 6);
    body.writeInt16BE(min, 12 + i * 6);
    body.writeInt16BE(max, 14 + i * 6);
  }
  const missing = incompatible(decodeApiVersions(body));
  assert.ok(missing.includes('Produce'));
  assert.ok(missing.includes('JoinGroup'));
  assert.ok(!missing.includes('Fetch'));
});
