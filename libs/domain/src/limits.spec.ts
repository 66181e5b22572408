import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, limitProfiles, limitViolation, profileFor, standardLimits, type LimitProfileName, withinProfile } from './limits.js';

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

test('a namespace’s own limits: rates go either way, ranges and sizes only become narrower', () => {
  const { openwhisk } = limitProfiles;
  assert.equal(profileFor({}, openwhisk), openwhisk);
  const own = profileFor(
    { invocationsPerMinute: 0, concurrentInvocations: 1000, minActionMemory: 200, maxActionMemory: 100_000, maxActionTimeout: 50 },
    openwhisk,
  );
  assert.deepEqual([own.invocationsPerMinute, own.firesPerMinute, own.concurrentInvocations], [0, 60, 1000]);
  assert.deepEqual(own.memory, { min: 200, std: 256, max: 512 });
  assert.deepEqual(own.timeout, { min: 100, std: 100, max: 100 });
  assert.deepEqual(profileFor({ minActionMemory: 500, maxActionMemory: 300 }, openwhisk).memory, { min: 300, std: 300, max: 300 });
  const sized = profileFor({ maxPayloadSize: '2 KB', maxParameterSize: '5 MB' }, openwhisk);
  assert.deepEqual([sized.payloadBytes, sized.resultBytes, sized.parametersBytes], [2048, 2048, 1024 * 1024]);
});

test('sizes are read as OpenWhisk writes them', () => {
  const sizes = ['10 B', '1KB', '1 k', '2 MB', '1g', 'x', '1', '-1 B', '1.5 MB', ''];
  assert.deepEqual(sizes.map(bytesOf), [10, 1024, 1024, 2 * 1024 * 1024, 1024 ** 3, undefined, undefined, undefined, undefined, undefined]);
});
