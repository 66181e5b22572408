import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles, nodeKinds, pythonKinds } from '#libs/domain';
import { findRuntime, runtimesOf, validKinds } from './runtimes.js';

const profile = limitProfiles.seed;
const offer = { kinds: [...nodeKinds, ...pythonKinds('3.11')], profile };

test('the info document lists what is offered, by family, each with one default', () => {
  const { nodejs = [], python = [], ...others } = runtimesOf(offer);
  assert.deepEqual(others, {});
  assert.deepEqual(
    nodejs.map((runtime) => [runtime.kind, runtime.default, runtime.image]),
    [
      ['nodejs:20', true, 'openwhisk/action-nodejs-v20:nightly'],
      ['nodejs:22', false, 'openwhisk/action-nodejs-v22:nightly'],
      ['nodejs:24', false, 'openwhisk/action-nodejs-v24:nightly'],
    ],
  );
  assert.deepEqual(
    python.map((runtime) => [runtime.kind, runtime.default, runtime.image]),
    [
      ['python:3', true, 'openwhisk/python3action:nightly'],
      ['python:3.11', false, 'openwhisk/action-python-v3.11:nightly'],
    ],
  );
});

test('a default kind is the one it stands for, and a kind that is not here is none', () => {
  const found = (kind: string, kinds: readonly string[] = offer.kinds) => findRuntime(kind, { kinds, profile })?.kind;
  assert.deepEqual(
    ['nodejs:default', 'python:default', 'python:3.11', 'nodejs:24'].map((kind) => found(kind)),
    ['nodejs:20', 'python:3', 'python:3.11', 'nodejs:24'],
  );
  for (const kind of ['python:3.10', 'python', 'constructor:default', 'java:8', '']) assert.equal(found(kind), undefined, kind);
  assert.equal(found('python:default', nodeKinds), undefined);
});

test('a refusal names every kind on offer; in the profile of OpenWhisk the one of its stand-alone server', () => {
  assert.deepEqual(validKinds(offer), [...offer.kinds, 'sequence', 'blackbox']);
  assert.deepEqual(validKinds({ ...offer, profile: limitProfiles.openwhisk }), ['nodejs:20', 'sequence', 'blackbox']);
});
