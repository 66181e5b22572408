import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readReference, referenceText } from './reference.js';

test('a reference names a namespace and an entity, with a package or without; an underscore is one’s own', () => {
  assert.deepEqual(readReference('/_/a', 'ann'), { namespace: 'ann', pkg: undefined, name: 'a' });
  assert.deepEqual(readReference('bob/p/a', 'ann'), { namespace: 'bob', pkg: 'p', name: 'a' });
  assert.equal(referenceText(readReference('_/p/a', 'ann')), '/ann/p/a');
});

test('a reference with one segment, too many, or an illegal name is refused', () => {
  for (const text of ['a', '/a', '', '/']) assert.throws(() => readReference(text, 'ann'), /must contain at least the namespace/);
  for (const text of ['/_/p/a/b', '/_/a!', '/_/p/_!']) assert.throws(() => readReference(text, 'ann'), /illegal characters/);
});
