import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTarget, readTarget } from './target.js';

test('paths are read as OpenWhisk routes them', () => {
  assert.deepEqual(
    ['', '/'].map((path) => readTarget(path).kind),
    ['info', 'info'],
  );
  assert.deepEqual(
    ['/namespaces', '/namespaces/'].map((path) => readTarget(path).kind),
    ['namespaces', 'namespaces'],
  );
  assert.deepEqual(readTarget('/namespaces/_/actions'), { kind: 'collection', collection: 'actions', namespace: '_' });
  assert.deepEqual(readTarget('/namespaces/_/rules/'), { kind: 'collection', collection: 'rules', namespace: '_' });
  assert.deepEqual(readTarget('/namespaces/g/actions/p/'), { kind: 'folder', namespace: 'g', pkg: 'p' });
  assert.deepEqual(readTarget('/namespaces/g/actions/p/a'), { kind: 'entity', collection: 'actions', namespace: 'g', pkg: 'p', name: 'a' });
  assert.deepEqual(readTarget('/namespaces/g/triggers/t'), { kind: 'entity', collection: 'triggers', namespace: 'g', name: 't' });
  assert.deepEqual(readTarget('/namespaces/g/activations/i/logs'), {
    kind: 'entity',
    collection: 'activations',
    namespace: 'g',
    name: 'i',
    part: 'logs',
  });
});

test('what nobody serves is no target', () => {
  for (const path of [
    '/nothing',
    '/namespaces/g',
    '/namespaces/g/',
    '/namespaces//actions',
    '/namespaces/g/functions',
    '/namespaces/g/actions/a/b/c',
    '/namespaces/g/actions//a',
    '/namespaces/g/triggers/t/',
    '/namespaces/g/triggers/t/x',
    '/namespaces/g/packages/p/a',
    '/namespaces/g/activations/i/result/',
    '/namespaces/g/activations/i/else',
    '/namespaces/g/actions/%zz',
  ]) {
    assert.equal(readTarget(path).kind, 'none', path);
  }
});

test('an encoded slash is part of a name, and no name has one', () => {
  const target = readTarget('/namespaces/g/actions/a%2Fb');
  assert.deepEqual(target, { kind: 'entity', collection: 'actions', namespace: 'g', name: 'a/b' });
  assert.throws(() => checkTarget(target), { message: 'The name of the entity contains illegal characters.' });
});

test('an action is found by the namespace that lists show of it, which ends in its package, and by one that begins with a slash', () => {
  assert.deepEqual(readTarget('/namespaces/g%2Fp/actions/a'), readTarget('/namespaces/g/actions/p/a'));
  assert.deepEqual(readTarget('/namespaces/%2Fg/packages'), readTarget('/namespaces/g/packages'));
  for (const path of [
    '/namespaces/g%2Fp/actions',
    '/namespaces/g%2Fp/triggers/t',
    '/namespaces/g%2Fp/actions/q/a',
    '/namespaces/g%2Fp%2Fq/actions/a',
  ])
    assert.throws(() => checkTarget(readTarget(path)), { message: 'The namespace contains illegal characters.' }, path);
});

test('names and namespaces are checked, activation ids are not names', () => {
  const check = (path: string) => () => checkTarget(readTarget(path));
  for (const name of ['!bad', 'a%00', 'a%20', '%C3%A9', 'a%252F']) {
    assert.throws(check(`/namespaces/_/actions/${name}`), { status: 400, message: 'The name of the entity contains illegal characters.' });
  }
  assert.throws(check(`/namespaces/_/actions/${'a'.repeat(257)}`), { message: 'Name segement longer than allowed: 257 > 256.' });
  assert.throws(check('/namespaces/!/actions'), { message: 'The namespace contains illegal characters.' });
  check('/namespaces/_/activations/!')();
  check(`/namespaces/_/actions/${'a'.repeat(256)}`)();
});
