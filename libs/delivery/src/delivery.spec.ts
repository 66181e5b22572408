import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attemptsMax, lostGraceMs, step, sweep, swept, type Delivery, type DeliveryEvent } from './delivery.js';

const play = (...events: DeliveryEvent[]) =>
  events.reduce<{ state: Delivery | undefined; granted: boolean[] }>(
    ({ state, granted }, event) => {
      const { next, granted: g } = step(state, event);
      return { state: next, granted: [...granted, g] };
    },
    { state: undefined, granted: [] },
  );
const claim = (invoker: string, nowMs: number): DeliveryEvent => ({ kind: 'claim', invoker, nowMs, leaseMs: 10 });
const start = (invoker: string, nowMs: number): DeliveryEvent => ({ kind: 'start', invoker, nowMs, leaseMs: 30 });
const finish = (attempt: number): DeliveryEvent => ({ kind: 'finish', attempt });

test('a claimed activation starts under the same attempt and ends once', () => {
  const { state, granted } = play({ kind: 'accept', nowMs: 0 }, claim('a', 1), start('a', 2), finish(1), finish(1));
  assert.deepEqual(granted, [true, true, true, true, false]);
  assert.deepEqual(state, { state: 'done', attempt: 1 });
});

test('a live claim belongs to its holder, an expired one to the next', () => {
  assert.deepEqual(play(claim('a', 0), claim('b', 5), start('b', 5), start('b', 11)).granted, [true, false, false, true]);
});

test('a started run is never started again, however late', () => {
  assert.deepEqual(play(start('a', 0), start('b', 1e9), claim('b', 1e9)).granted, [true, false, false]);
});

test('a runner that was given up cannot end what came after it', () => {
  assert.deepEqual(play(claim('a', 0), start('b', 11), finish(1), finish(2)).granted, [true, true, false, true]);
});

test('a released claim is free at once; a started run cannot be released', () => {
  assert.deepEqual(play(claim('a', 0), { kind: 'release', invoker: 'a', nowMs: 1 }, claim('b', 2)).granted, [true, true, true]);
  assert.deepEqual(play(start('a', 0), { kind: 'release', invoker: 'a', nowMs: 1 }).granted, [true, false]);
});

test('verdicts: wait, deliver again, lost', () => {
  const accepted: Delivery = { state: 'accepted', attempt: 0, idleSinceMs: 0 };
  assert.equal(sweep(accepted, 100, 100), 'wait');
  assert.equal(sweep(accepted, 101, 100), 'redeliver');
  assert.equal(sweep({ ...accepted, attempt: attemptsMax }, 101, 100), 'lost');
  assert.equal(sweep({ state: 'claimed', attempt: 1, invoker: 'a', leaseUntilMs: 10 }, 11, 0), 'redeliver');
  assert.equal(sweep({ state: 'started', attempt: 1, invoker: 'a', leaseUntilMs: 10 }, 10, 0), 'wait');
  assert.equal(sweep({ state: 'started', attempt: 1, invoker: 'a', leaseUntilMs: 10 }, 11, 0), 'lost');
  assert.equal(sweep({ state: 'done', attempt: 1 }, 1e9, 0), 'wait');
});

test('what was found due is not found again at once, and keeps its count of attempts', () => {
  const claimed: Delivery = { state: 'claimed', attempt: 2, invoker: 'a', leaseUntilMs: 10 };
  assert.deepEqual(swept(claimed, 11), { state: 'accepted', attempt: 2, idleSinceMs: 11 });
  assert.equal(sweep(swept(claimed, 11), 20, 100), 'wait');
  const started: Delivery = { ...claimed, state: 'started' };
  assert.equal(sweep(swept(started, 11), 11 + lostGraceMs, 0), 'wait');
  assert.equal(sweep(swept(started, 11), 12 + lostGraceMs, 0), 'lost');
});

test('an activation that nobody ends is never forgotten: sooner or later it is due', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.constantFrom('accepted', 'claimed', 'started'), (attempt, state) => {
      const current = { state, attempt, invoker: 'a', leaseUntilMs: 10, idleSinceMs: 10 } as Delivery;
      assert.notEqual(sweep(current, 1000, 100), 'wait');
      assert.notEqual(sweep(swept(current, 1000), 1001 + lostGraceMs, 100), 'wait');
    }),
  );
});

test('whatever happens, a run starts once, ends once, and a done one stays done', () => {
  const invoker = fc.constantFrom('a', 'b', 'c');
  const event = fc.oneof(
    fc.record({ kind: fc.constant('accept' as const) }),
    fc.record({ kind: fc.constantFrom('claim' as const, 'start' as const, 'renew' as const), invoker, leaseMs: fc.constantFrom(10, 30) }),
    fc.record({ kind: fc.constant('release' as const), invoker }),
    fc.record({ kind: fc.constant('finish' as const), attempt: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ kind: fc.constant('sweep' as const) }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.integer({ min: 0, max: 15 })), { maxLength: 40 }), (events) => {
      let [nowMs, starts, ends] = [0, 0, 0];
      let state: Delivery | undefined;
      for (const [wish, passed] of events) {
        nowMs += passed;
        const before = state;
        if (wish.kind === 'sweep') {
          if (state && sweep(state, nowMs, 5) !== 'wait') state = swept(state, nowMs);
          continue;
        }
        const { next, granted } = step(state, { ...wish, nowMs } as DeliveryEvent);
        if (granted && wish.kind === 'start') starts += 1;
        if (granted && wish.kind === 'finish') ends += 1;
        if (before?.state === 'done') assert.deepEqual(next, before);
        if (before && next) assert.ok(next.attempt >= before.attempt);
        state = next;
      }
      assert.ok(starts <= 1 && ends <= 1);
    }),
  );
});
