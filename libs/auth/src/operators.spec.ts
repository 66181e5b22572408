import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Operators } from './operators.js';

test('operators bear a token, all of it, and are known by its name', () => {
  const operators = new Operators('a token with blanks', ['ann:the token of ann', 'bob:a:b']);
  assert.equal(operators.name('Bearer a token with blanks'), 'operator');
  assert.equal(operators.name('bearer the token of ann'), 'ann');
  assert.equal(operators.name('Bearer a:b'), 'bob');
  assert.throws(() => operators.name('Bearer a token'), { code: 'bad-credentials' });
  for (const header of [undefined, 'Basic x', 'Bearer']) assert.throws(() => operators.name(header), { code: 'unauthenticated' });
});
