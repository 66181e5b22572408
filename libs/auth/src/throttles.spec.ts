import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  limitProfiles,
  ThrottleCounts,
  type AdmissionAsk,
  type AdmissionCounts,
  type LimitOverrides,
  type NamespaceId,
} from '#libs/domain';
import type { Identity } from './identity.js';
import { Throttles } from './throttles.js';

const identity = (limits: LimitOverrides = {}, ns = 'n'): Identity => ({ subject: 's', namespace: 's', ns: ns as NamespaceId, limits });
const minute = 60_000;

test('a minute’s allowance is counted up to the limit, at it, and over it', async () => {
  const throttles = new Throttles(limitProfiles.openwhisk);
  for (let i = 0; i < 60; i += 1) (await throttles.admit(identity(), 5 * minute + i)).release();
  await assert.rejects(throttles.admit(identity(), 5 * minute + 999), {
    status: 429,
    message: 'Too many requests in the last minute (count: 61, allowed: 60).',
    retryAfterS: undefined,
  });
  await throttles.fire(identity(), 5 * minute + 999);
  await throttles.admit(identity({}, 'another'), 5 * minute + 999);
  await throttles.admit(identity(), 6 * minute);
});

test('what is in flight is held against the limit until it ends, once', async () => {
  const throttles = new Throttles(limitProfiles.openwhisk);
  const ends = Array.from({ length: 29 }, () => throttles.begin(identity()));
  const last = await throttles.admit(identity(), 0);
  const end = last.take();
  last.release();
  await assert.rejects(throttles.admit(identity(), 0), {
    message: 'Too many concurrent requests in flight (count: 30, allowed: 30).',
  });
  ends[0]?.();
  ends[0]?.();
  assert.equal(throttles.inFlight(identity()), 29);
  (await throttles.admit(identity(), 0)).release();
  [...ends, end].forEach((each) => each());
  assert.equal(throttles.inFlight(identity()), 0);
});

test('a limit of zero refuses everything', async () => {
  const throttles = new Throttles(limitProfiles.openwhisk);
  await assert.rejects(throttles.admit(identity({ invocationsPerMinute: 0 }), 0), { message: /count: 1, allowed: 0/ });
  await assert.rejects(throttles.admit(identity({ concurrentInvocations: 0 }), 0), { message: /in flight \(count: 0, allowed: 0\)/ });
});

test('where the profile says so, a refusal tells when the minute is over', async () => {
  const throttles = new Throttles(limitProfiles.seed);
  await assert.rejects(throttles.fire(identity({ firesPerMinute: 0 }), 3 * minute + 15_500), { retryAfterS: 45 });
});

/** The shared counts of one namespace, as far as one controller sees them. */
class Shared extends ThrottleCounts {
  alone = false;
  readonly asks: AdmissionAsk[] = [];
  count = 0;
  elsewhere = 0;
  broken = false;

  async admit(asks: readonly AdmissionAsk[]): Promise<AdmissionCounts[]> {
    await Promise.resolve();
    if (this.broken) throw new Error('no answer');
    this.asks.push(...asks);
    return asks.map(({ asking, untold }) => ({ count: (this.count += asking + untold), flyingElsewhere: this.elsewhere }));
  }
}

test('with other controllers, requests that come together are counted in one round trip, one behind another', async () => {
  const shared = new Shared();
  shared.count = 58;
  const throttles = new Throttles(limitProfiles.openwhisk, shared);
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => throttles.admit(identity(), 0)));
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Error).message : 'in')),
    [
      'in',
      'in',
      'Too many requests in the last minute (count: 61, allowed: 60).',
      'Too many requests in the last minute (count: 62, allowed: 60).',
    ],
  );
  assert.equal(shared.asks.length, 1);
  assert.equal(throttles.inFlight(identity()), 2);
});

test('what other controllers have in flight is held against the limit', async () => {
  const shared = new Shared();
  shared.elsewhere = 28;
  const throttles = new Throttles(limitProfiles.openwhisk, shared);
  await throttles.admit(identity(), 0);
  await throttles.admit(identity(), 0);
  await assert.rejects(throttles.admit(identity(), 0), { message: 'Too many concurrent requests in flight (count: 30, allowed: 30).' });
});

test('a controller that was alone tells what it counted so far, and counts by itself where the others cannot be asked', async () => {
  const shared = new Shared();
  shared.alone = true;
  const throttles = new Throttles(limitProfiles.openwhisk, shared);
  for (let i = 0; i < 5; i += 1) await throttles.admit(identity(), 0);
  shared.alone = false;
  await throttles.admit(identity(), 0);
  assert.deepEqual(
    shared.asks.map(({ asking, untold, flying }) => ({ asking, untold, flying })),
    [{ asking: 1, untold: 5, flying: 5 }],
  );
  shared.broken = true;
  await throttles.admit(identity(), 0);
  assert.equal(throttles.inFlight(identity()), 7);
});
