import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles, limitViolation, standardLimits, withinProfile, type LimitProfileName } from './limits.js';

const words = {
  timeout: ['duration', ' milliseconds'],
  memory: ['memory size', ' MB'],
  logs: ['log size', ' MB'],
  concurrency: ['concurrency', ''],
} as const;

for (const name of Object.keys(limitProfiles) as LimitProfileName[]) {
  const profile = limitProfiles[name];
  for (const field of ['timeout', 'memory', 'logs', 'concurrency'] as const) {
    const { min, max } = profile[field];
    const [what, unit] = words[field];
    test(`${name}: ${field} at its bounds passes, outside it says so`, () => {
      assert.equal(limitViolation({ [field]: min }, profile), undefined);
      assert.equal(limitViolation({ [field]: max }, profile), undefined);
      assert.equal(
        limitViolation({ [field]: max + 1 }, profile),
        `requirement failed: ${what} ${max + 1}${unit} exceeds allowed threshold of ${max}${unit}`,
      );
      assert.equal(
        limitViolation({ [field]: min - 1 }, profile),
        `requirement failed: ${what} ${min - 1}${unit} below allowed threshold of ${min}${unit}`,
      );
    });
  }
}

test('instances are bounded by the concurrency of the namespace, where the profile says so', () => {
  assert.equal(limitViolation({ instances: 30 }, limitProfiles.openwhisk), undefined);
  assert.equal(
    limitViolation({ instances: 31 }, limitProfiles.openwhisk),
    'Max action instance concurrency must not exceed your namespace concurrency of 30.',
  );
  assert.equal(limitViolation({ instances: 500 }, limitProfiles.seed), undefined);
});

test('limits of another profile are brought as near as this one allows', () => {
  const { seed, openwhisk } = limitProfiles;
  assert.deepEqual(withinProfile(standardLimits(seed), openwhisk), standardLimits(openwhisk));
  assert.deepEqual(withinProfile({ timeout: 99, memory: 4096, logs: 3, concurrency: 1, instances: 5 }, openwhisk), {
    timeout: 100,
    memory: 512,
    logs: 3,
    concurrency: 1,
    instances: 5,
  });
});
