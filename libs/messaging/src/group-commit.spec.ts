import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '#libs/domain';
import fc from 'fast-check';
import { GroupCommit, nextFlush, type GroupCommitOptions } from './group-commit.js';

const bounds = { count: 5, bytes: 100, laneBytes: 40 };
const entries = fc.array(fc.record({ item: fc.nat(), lane: fc.nat(3), bytes: fc.integer({ min: 1, max: 60 }) }), {
  minLength: 1,
  maxLength: 30,
});

test('a flush keeps its bounds, takes the oldest, and with the rest is all there was', () => {
  fc.assert(
    fc.property(entries, (waiting) => {
      const { flush, rest } = nextFlush(waiting, bounds);
      assert.equal(flush[0], waiting[0]);
      assert.deepEqual(new Set([...flush, ...rest]), new Set(waiting));
      assert.ok(flush.length <= bounds.count);
      if (flush.length === 1) return;
      assert.ok(flush.reduce((sum, { bytes }) => sum + bytes, 0) <= bounds.bytes);
      for (const lane of [0, 1, 2, 3]) {
        const bytes = flush.filter((entry) => entry.lane === lane).reduce((sum, entry) => sum + entry.bytes, 0);
        assert.ok(bytes <= bounds.laneBytes || flush[0]?.lane === lane);
      }
    }),
  );
});

test('the order within a lane is kept from flush to flush', () => {
  fc.assert(
    fc.property(entries, (waiting) => {
      const order: (typeof waiting)[number][] = [];
      for (let rest = waiting; rest.length > 0;) {
        const next = nextFlush(rest, bounds);
        order.push(...next.flush);
        rest = next.rest;
      }
      for (const lane of [0, 1, 2, 3]) {
        const of = (list: typeof waiting) => list.filter((entry) => entry.lane === lane);
        assert.deepEqual(of(order), of(waiting));
      }
    }),
  );
});

test('a full lane does not hold up the others', () => {
  const entry = (item: string, lane: number, bytes: number) => ({ item, lane, bytes });
  const { flush, rest } = nextFlush([entry('a', 0, 40), entry('b', 0, 40), entry('c', 1, 10), entry('d', 0, 1)], bounds);
  assert.deepEqual(
    flush.map(({ item }) => item),
    ['a', 'c'],
  );
  assert.deepEqual(
    rest.map(({ item }) => item),
    ['b', 'd'],
  );
});

/** A commit whose flushes end when the test says so. */
function aCommit(over: Partial<GroupCommitOptions<string>> = {}) {
  const flushes: { items: readonly string[]; end: (error?: Error) => void }[] = [];
  const commit = new GroupCommit<string>({
    flush: (items) => new Promise((resolve, reject) => flushes.push({ items, end: (error) => (error ? reject(error) : resolve()) })),
    size: (item) => ({ lane: 0, bytes: item.length }),
    bounds: { count: 100, bytes: 100, laneBytes: 100 },
    waitingMax: 3,
    waitingBytesMax: 1000,
    deadlineMs: 60_000,
    failed: () => undefined,
    ...over,
  });
  return { commit, flushes };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('calls that arrive during a flush share the next one, and none resolves before its own flush', async () => {
  const { commit, flushes } = aCommit();
  const done: string[] = [];
  const append = (item: string) => commit.append(item).then(() => done.push(item));
  const all = [append('a')];
  await turn();
  all.push(append('b'), append('c'));
  await turn();
  assert.deepEqual(
    flushes.map(({ items }) => items),
    [['a']],
  );
  flushes[0]?.end();
  await turn();
  assert.deepEqual(done, ['a']);
  assert.deepEqual(flushes[1]?.items, ['b', 'c']);
  flushes[1]?.end();
  await Promise.all(all);
  assert.deepEqual(done, ['a', 'b', 'c']);
});

test('a failed flush fails its own appends as unavailable, and the next one goes on', async () => {
  const { commit, flushes } = aCommit();
  const lost = assert.rejects(
    commit.append('a'),
    (error) => error instanceof Failure && error.fault === 'queue' && error.retryAfterS === 1,
  );
  await turn();
  const kept = commit.append('b');
  flushes[0]?.end(new Error('the disk is full'));
  await lost;
  await turn();
  flushes[1]?.end();
  await kept;
});

test('what waits is bounded: one more is refused at once', async () => {
  const { commit, flushes } = aCommit();
  const first = commit.append('x');
  await turn();
  const waiting = ['a', 'b', 'c'].map((item) => commit.append(item));
  await assert.rejects(commit.append('d'), Failure);
  flushes[0]?.end();
  await turn();
  flushes[1]?.end();
  await Promise.all([first, ...waiting]);
});
