import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles, type LimitOverrides, type NamespaceId } from '#libs/domain';
import type { Identity } from './identity.js';
import { Throttles } from './throttles.js';

const identity = (limits: LimitOverrides = {}, ns = 'n'): Identity => ({ subject: 's', namespace: 's', ns: ns as NamespaceId, limits });
const minute = 60_000;

test('a minute’s allowance is counted up to the limit, at it, and over it', () => {
  const throttles = new Throttles(limitProfiles.openwhisk);
  for (let i = 0; i < 60; i += 1) throttles.check(identity(), 'invocations', 5 * minute + i);
  assert.throws(() => throttles.check(identity(), 'invocations', 5 * minute + 999), {
    status: 429,
    message: 'Too many requests in the last minute (count: 61, allowed: 60).',
    retryAfterS: undefined,
  });
  throttles.check(identity(), 'fires', 5 * minute + 999);
  throttles.check(identity({}, 'another'), 'invocations', 5 * minute + 999);
  throttles.check(identity(), 'invocations', 6 * minute);
});

test('what is in flight is held against the limit until it ends, once', () => {
  const throttles = new Throttles(limitProfiles.openwhisk);
  const ends = Array.from({ length: 30 }, () => throttles.begin(identity()));
  assert.throws(() => throttles.check(identity(), 'invocations', 0), {
    message: 'Too many concurrent requests in flight (count: 30, allowed: 30).',
  });
  ends[0]?.();
  ends[0]?.();
  assert.equal(throttles.inFlight(identity()), 29);
  throttles.check(identity(), 'invocations', 0);
  ends.forEach((end) => end());
  assert.equal(throttles.inFlight(identity()), 0);
});

test('a limit of zero refuses everything', () => {
  const throttles = new Throttles(limitProfiles.openwhisk);
  assert.throws(() => throttles.check(identity({ invocationsPerMinute: 0 }), 'invocations', 0), { message: /count: 1, allowed: 0/ });
  assert.throws(() => throttles.check(identity({ concurrentInvocations: 0 }), 'invocations', 0), {
    message: /in flight \(count: 0, allowed: 0\)/,
  });
});

test('where the profile says so, a refusal tells when the minute is over', () => {
  const throttles = new Throttles(limitProfiles.seed);
  assert.throws(() => throttles.check(identity({ firesPerMinute: 0 }), 'fires', 3 * minute + 15_500), { retryAfterS: 45 });
});
