import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choose, type Candidate } from './choose.js';

const invoker = (name: string, inFlight = 0, credits = 100): Candidate => ({ name, inFlight, credits });
const some = fc.uniqueArray(fc.record({ name: fc.string(), inFlight: fc.nat(50), credits: fc.nat(50) }), { selector: ({ name }) => name });

test('whoever is chosen has room; none is chosen only where nobody has', () => {
  fc.assert(
    fc.property(fc.string(), some, (key, candidates) => {
      const chosen = choose(key, candidates);
      if (chosen) assert.ok(chosen.inFlight < chosen.credits);
      else assert.ok(candidates.every(({ inFlight, credits }) => inFlight >= credits));
    }),
  );
});

test('the choice does not depend on the order in which invokers are listed', () => {
  fc.assert(
    fc.property(fc.string(), some, (key, candidates) => {
      const level = candidates.map((candidate) => ({ ...candidate, inFlight: 0 }));
      assert.equal(choose(key, level)?.name, choose(key, level.toReversed())?.name);
    }),
  );
});

test('when an invoker goes, only what preferred it moves', () => {
  const all = ['a', 'b', 'c', 'd'].map((name) => invoker(name));
  for (let i = 0; i < 200; i += 1) {
    const before = choose(`action-${i}`, all)?.name;
    const after = choose(`action-${i}`, all.slice(0, 3))?.name;
    if (before !== 'd') assert.equal(after, before);
  }
});

test('actions spread over the invokers', () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 400; i += 1) {
    const name = choose(`action-${i}`, [invoker('a'), invoker('b'), invoker('c'), invoker('d')])?.name ?? '';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const name of ['a', 'b', 'c', 'd']) assert.ok((counts.get(name) ?? 0) > 50, `${name}: ${counts.get(name)}`);
});

test('an overloaded favourite is passed over, a lightly loaded one is not', () => {
  const favourite = choose('action', [invoker('a'), invoker('b'), invoker('c')])?.name ?? '';
  const load = (inFlight: number) => ['a', 'b', 'c'].map((name) => invoker(name, name === favourite ? inFlight : 0));
  assert.equal(choose('action', load(3))?.name, favourite);
  assert.notEqual(choose('action', load(40))?.name, favourite);
});
