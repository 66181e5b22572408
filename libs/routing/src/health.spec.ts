import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failuresMax, observe, unprobed, type HealthEvent, type RegionHealth } from './health.js';

const up: RegionHealth = { up: true, failures: 0, sinceMs: 100, failedAtMs: 0 };
const failed = (trouble: 'refused' | 'reset' | 'fault' | 'not-ready' | 'no-answer'): HealthEvent => ({ kind: 'failed', trouble });

test('a region is down until its first good probe', () => {
  const start = unprobed(50);
  assert.equal(start.up, false);
  assert.equal(observe(start, { kind: 'answered' }, 60).up, false);
  assert.deepEqual(observe(start, { kind: 'probe-ok', startedMs: 60 }, 61), { up: true, failures: 0, sinceMs: 61, failedAtMs: 0 });
});

test('a refused connection and a red readiness take it down at once', () => {
  for (const trouble of ['refused', 'not-ready'] as const) {
    assert.deepEqual(observe(up, failed(trouble), 200), { up: false, failures: 1, sinceMs: 200, failedAtMs: 200, trouble });
  }
});

test('lesser failures take it down when there are three in a row, and an answer between them starts the count anew', () => {
  let health = up;
  for (const trouble of ['reset', 'fault'] as const) health = observe(health, failed(trouble), 200);
  assert.equal(health.up, true);
  assert.equal(observe(health, failed('no-answer'), 300).up, false);
  health = observe(health, { kind: 'answered' }, 250);
  assert.equal(observe(health, failed('no-answer'), 300).up, true);
});

test('a good probe that began before the failure does not bring it back, a later one does', () => {
  const down = observe(up, failed('refused'), 200);
  assert.equal(observe(down, { kind: 'probe-ok', startedMs: 199 }, 210).up, false);
  assert.deepEqual(observe(down, { kind: 'probe-ok', startedMs: 201 }, 210), { up: true, failures: 0, sinceMs: 210, failedAtMs: 200 });
});

test('the state stays bounded and a later good probe always heals, whatever happened', () => {
  const event: fc.Arbitrary<HealthEvent> = fc.oneof(
    fc.constant<HealthEvent>({ kind: 'answered' }),
    fc.nat(1000).map((startedMs): HealthEvent => ({ kind: 'probe-ok', startedMs })),
    fc.constantFrom('refused' as const, 'reset' as const, 'fault' as const, 'not-ready' as const).map(failed),
  );
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const end = events.reduce((health, e, i) => observe(health, e, i), unprobed(0));
      assert.ok(end.failures <= failuresMax);
      assert.equal(observe(end, { kind: 'probe-ok', startedMs: events.length }, events.length + 1).up, true);
    }),
  );
});
