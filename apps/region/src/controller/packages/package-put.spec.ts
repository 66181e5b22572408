import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText } from '#libs/domain';
import { packageAnnotations, readBinding } from './package-put.js';

test('a binding names a package; an empty one is none', () => {
  assert.deepEqual(readBinding({ namespace: '_', name: 'p' }, 'guest'), { namespace: 'guest', name: 'p' });
  assert.deepEqual(readBinding({ namespace: 'other', name: 'p' }, 'guest'), { namespace: 'other', name: 'p' });
  assert.equal(readBinding(undefined, 'guest'), undefined);
  assert.equal(readBinding({}, 'guest'), undefined);
  for (const value of [null, '/_/p']) {
    assert.throws(() => readBinding(value, 'guest'), {
      message: "The request content was malformed:\nObject expected in field 'namespace'",
    });
  }
  assert.throws(() => readBinding({ namespace: '_' }, 'guest'), {
    message: "The request content was malformed:\nObject is missing required member 'name'",
  });
});

test('what a package is bound to is told by the platform alone', () => {
  const mine = { key: 'binding', value: asJsonText('"mine"') };
  assert.deepEqual(packageAnnotations([mine], undefined), []);
  assert.deepEqual(packageAnnotations([mine], { namespace: 'g', name: 'p' }), [{ key: 'binding', value: '{"namespace":"g","name":"p"}' }]);
});
