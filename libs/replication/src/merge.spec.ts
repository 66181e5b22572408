import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hlc, RegionCode } from '#libs/domain';
import fc from 'fast-check';
import { aRow, aTombstone } from './builders.spec.js';
import { compareVersions, hlcMs, keyText, merge, nextHlc, planApply, seenAfter, type MergeState, type ReplicaRow } from './index.js';

const hlc = (n: number | bigint) => String(n) as Hlc;
const region = (n: number) => n as RegionCode;

test('a new version takes the clock, or one more than what it replaces or what was issued last', () => {
  assert.equal(nextHlc(5), hlc(5 * 65536));
  assert.equal(nextHlc(5, hlc(9 * 65536)), hlc(9 * 65536 + 1));
  assert.equal(nextHlc(5, hlc(1), hlc(5 * 65536)), hlc(5 * 65536 + 1));
  assert.equal(hlcMs(nextHlc(1_700_000_000_123)), 1_700_000_000_123);
});

test('an overwrite is newer than what it overwrote, whatever the clocks of the regions (60 s either way)', () => {
  const skew = fc.integer({ min: -60_000, max: 60_000 });
  fc.assert(
    fc.property(fc.array(fc.record({ region: fc.integer({ min: 1, max: 3 }), skew }), { minLength: 2, maxLength: 20 }), (writes) => {
      let current: MergeState | undefined;
      let nowMs = 1_000_000;
      for (const write of writes) {
        nowMs += 10;
        const next: MergeState = {
          hlc: nextHlc(nowMs + write.skew, current?.hlc),
          origin: region(write.region),
          seen: seenAfter(current),
          deleted: false,
        };
        if (current) assert.deepEqual(merge(current, next), { kind: 'apply', concurrent: false });
        if (current) assert.deepEqual(merge(next, current), { kind: 'stale', concurrent: false });
        current = next;
      }
    }),
  );
});

const anyRow = fc
  .record({
    path: fc.constantFrom('a', 'b', 'c'),
    at: fc.integer({ min: 1, max: 5 }),
    origin: fc.integer({ min: 1, max: 3 }),
    deleted: fc.boolean(),
  })
  .map(({ path, at, origin, deleted }) => {
    // The version determines the content, as it does for one author.
    const gone = deleted && at % 2 === 0;
    return aRow({ path, hlc: hlc(at), origin: region(origin), deleted: gone, doc: gone ? null : aRow().doc });
  });

function deliver(batches: readonly (readonly ReplicaRow[])[]): Map<string, string> {
  const table = new Map<string, ReplicaRow>();
  for (const batch of batches)
    for (const row of planApply(batch, { current: table, visible: new Set(), blobs: new Set() }).visible) table.set(keyText(row), row);
  return new Map([...table].map(([key, row]) => [key, `${row.hlc}@${row.origin}`]));
}

test('the order of delivery does not matter, nor do repetitions, nor how rows are cut into batches', () => {
  fc.assert(
    fc.property(
      fc
        .array(anyRow, { maxLength: 12 })
        .chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows, ...rows], { minLength: rows.length * 2 }))),
      ([rows, shuffled]) => {
        const once = deliver([rows]);
        const sorted = (map: Map<string, string>) => [...map].map(([key, version]) => `${key} ${version}`).sort();
        assert.deepEqual(sorted(deliver(shuffled.map((row) => [row]))), sorted(once));
        assert.deepEqual(sorted(deliver([shuffled, rows])), sorted(once));
      },
    ),
  );
});

test('versions are totally ordered', () => {
  fc.assert(
    fc.property(anyRow, anyRow, anyRow, (a, b, c) => {
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
  );
});

test('the loser of two writes that did not know of each other is named whichever of them came first, a replaced version is not', () => {
  const base = aRow({ hlc: hlc(1), origin: region(1) });
  const left = aRow({ hlc: hlc(10), origin: region(1), seen: seenAfter(base) });
  const right = aRow({ hlc: hlc(11), origin: region(2), seen: seenAfter(base) });
  assert.deepEqual(merge(left, right), { kind: 'apply', concurrent: true });
  assert.deepEqual(merge(right, left), { kind: 'stale', concurrent: true });
  assert.deepEqual(merge(base, right), { kind: 'apply', concurrent: false });
  const after = aRow({ hlc: hlc(12), origin: region(2), seen: seenAfter(right) });
  assert.deepEqual(merge(base, after), { kind: 'apply', concurrent: false }, 'a version in between that was never sent makes no conflict');
  assert.deepEqual(merge(left, aTombstone({ hlc: hlc(12), origin: region(2), seen: seenAfter(base) })), {
    kind: 'apply',
    concurrent: true,
  });
});
