import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '#libs/domain';
import { Batcher } from './batcher.js';

const dataFault = Object.assign(new Error('bad data'), { code: '22021' });
const collision = new Failure('unavailable', {}, { cause: Object.assign(new Error('deadlock'), { code: '40P01' }) });

/** A batcher of words that answers with their capitals, and the batches that it wrote. */
function aBatcher(fault: (words: readonly string[]) => unknown = () => undefined, bytes?: (word: string) => number) {
  const batches: string[][] = [];
  const batcher = new Batcher<string, string>({
    key: (word) => word,
    ...(bytes ? { bytes } : {}),
    flush: async (words) => {
      batches.push([...words]);
      const cause = fault(words);
      if (cause) throw cause;
      return words.map((word) => word.toUpperCase());
    },
  });
  return { batcher, batches };
}

test('calls that come while a statement runs share the next one, and each gets its own answer', async () => {
  const { batcher, batches } = aBatcher();
  const first = batcher.add('a');
  await Promise.resolve();
  await Promise.resolve();
  const rest = ['b', 'c', 'd'].map((word) => batcher.add(word));
  assert.deepEqual(await Promise.all([first, ...rest]), ['A', 'B', 'C', 'D']);
  assert.deepEqual(batches, [['a'], ['b', 'c', 'd']]);
});

test('two of one key never share a statement, and keep their order', async () => {
  const { batcher, batches } = aBatcher();
  await Promise.all(['a', 'b', 'a', 'c'].map((word) => batcher.add(word)));
  assert.deepEqual(batches, [
    ['a', 'b'],
    ['a', 'c'],
  ]);
});

test('a statement is bounded in rows and bytes, and what is larger goes alone', async () => {
  const many = aBatcher();
  await Promise.all(Array.from({ length: 250 }, (_, i) => many.batcher.add(`w${i}`)));
  assert.deepEqual(
    many.batches.map(({ length }) => length),
    [100, 100, 50],
  );
  const large = aBatcher(undefined, (word) => (word === 'huge' ? 1e9 : 1));
  await Promise.all(['a', 'huge', 'b'].map((word) => large.batcher.add(word)));
  assert.deepEqual(large.batches, [['a'], ['huge'], ['b']]);
});

test('bad data fails alone, wherever it stands', async () => {
  for (let bad = 0; bad < 7; bad += 1) {
    const { batcher } = aBatcher((words) => words.includes(`w${bad}`) && dataFault);
    const ends = await Promise.allSettled(Array.from({ length: 7 }, (_, i) => batcher.add(`w${i}`)));
    assert.deepEqual(
      ends.map(({ status }) => status),
      ends.map((_, i) => (i === bad ? 'rejected' : 'fulfilled')),
    );
  }
});

test('a collision is tried again, within bounds; any other fault is told to all at once', async () => {
  let collisions = 2;
  const lucky = aBatcher(() => collisions-- > 0 && collision);
  assert.equal(await lucky.batcher.add('a'), 'A');
  const hopeless = aBatcher(() => collision);
  await assert.rejects(hopeless.batcher.add('a'), collision);
  assert.equal(hopeless.batches.length, 3);
  const away = aBatcher(() => new Error('away'));
  const ends = await Promise.allSettled(['a', 'b'].map((word) => away.batcher.add(word)));
  assert.ok(ends.every(({ status }) => status === 'rejected'));
  assert.equal(away.batches.length, 1);
});

test('so many may wait and no more', async () => {
  const { batcher } = aBatcher();
  const waiting = Array.from({ length: 20_000 }, (_, i) => batcher.add(`w${i}`));
  await assert.rejects(batcher.add('one more'), { code: 'unavailable' });
  await batcher.idle();
  assert.equal((await Promise.all(waiting)).length, 20_000);
});
