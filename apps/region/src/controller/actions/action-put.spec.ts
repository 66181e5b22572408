import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, limitProfiles } from '#libs/domain';
import { parseExact } from '#libs/http';
import { checkExecSize, mergeAnnotations, readActionRest, readLimits, wantsKey, writtenParameters } from './action-put.js';

const malformed = (reason: string): object => ({ status: 400, message: `The request content was malformed:\n${reason}` });
const entry = (key: string, value: string) => ({ key, value: asJsonText(value) });

test('limits are whole numbers, each refused by its own name', () => {
  assert.deepEqual(readLimits(parseExact('{"timeout":1000.0,"memory":256,"logs":null,"instances":0}')), {
    timeout: 1000,
    memory: 256,
    instances: 0,
  });
  assert.throws(() => readLimits(5), malformed("Object expected in field 'timeout'"));
  assert.throws(() => readLimits({ memory: '256' }), malformed('memory limit malformed'));
  assert.throws(() => readLimits({ timeout: 0.5 }), malformed('requirement failed: time limit must be whole number'));
  assert.throws(() => readLimits({ concurrency: 'x' }), malformed('concurrency limit malformed'));
  assert.throws(() => readLimits({ concurrency: 1.5 }), malformed('requirement failed: intra concurrency limit must be whole number'));
  assert.throws(() => readLimits({ logs: -1 }), malformed('requirement failed: a negative size of an object is not allowed.'));
  assert.throws(
    () => readLimits({ instances: -1 }),
    malformed('requirement failed: Action container concurrency must be greater than or equal to 0.'),
  );
});

test('annotations are merged; the platform adds its own on creation and says the kind always', () => {
  const created = mergeAnnotations(undefined, { annotations: [entry('exec', '"mine"')], delAnnotations: [] }, 'nodejs:20');
  assert.deepEqual(created, [entry('exec', '"nodejs:20"'), entry('provide-api-key', 'false')]);
  const old = [entry('a', '1'), entry('b', '2')];
  const merged = mergeAnnotations(old, { annotations: [entry('a', '3')], delAnnotations: ['b'] }, 'blackbox');
  assert.deepEqual(merged, [entry('a', '3'), entry('exec', '"blackbox"')]);
});

test('an action without the annotation gets the key, as old ones expect', () => {
  assert.equal(wantsKey({ annotations: [] }), true);
  assert.equal(wantsKey({ annotations: [entry('provide-api-key', 'false')] }), false);
});

test('code is measured under, at and over the limit', () => {
  const { codeBytes } = limitProfiles.openwhisk;
  checkExecSize(codeBytes - 1, limitProfiles.openwhisk);
  checkExecSize(codeBytes, limitProfiles.openwhisk);
  assert.throws(() => checkExecSize(codeBytes + 1, limitProfiles.openwhisk), {
    status: 413,
    message: 'exec larger than allowed: 50331649 > 50331648 bytes.',
  });
});

test('the keys to delete are a list of texts', () => {
  assert.deepEqual(readActionRest({ delAnnotations: ['a'] }).delAnnotations, ['a']);
  assert.throws(() => readActionRest({ delAnnotations: [1] }), { status: 400 });
  assert.throws(() => readActionRest({ delAnnotations: 'a' }), { status: 400 });
});

test('a sequence has its components for a parameter, and code in its place does not inherit that', () => {
  const given = [{ key: 'a', value: asJsonText('1') }];
  const sequence = { type: 'sequence', components: ['/ann/a'] } as const;
  const components = [{ key: '_actions', value: '["/ann/a"]' }];
  assert.deepEqual(writtenParameters(given, sequence, undefined), components);
  assert.equal(writtenParameters(given, undefined, sequence), undefined);
  assert.deepEqual(writtenParameters(undefined, { type: 'code' }, sequence), []);
  assert.equal(writtenParameters(given, { type: 'code' }, sequence), given);
  assert.equal(writtenParameters(undefined, { type: 'code' }, { type: 'code' }), undefined);
});
