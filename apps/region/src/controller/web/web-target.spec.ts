import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText } from '#libs/domain';
import { satisfies } from './web-auth.js';
import { readWebTarget } from './web-target.js';

test('a path names namespace, package, action and extension; what follows stays as it was sent', () => {
  const target = { namespace: 'guest', pkg: undefined, name: 'w' };
  assert.deepEqual(readWebTarget('/guest/default/w'), { ...target, extension: 'http', path: '' });
  assert.deepEqual(readWebTarget('/guest/default/w.json/a/b%20c/'), { ...target, extension: 'json', path: '/a/b%20c/' });
  assert.deepEqual(readWebTarget('/guest/default/w.json/'), { ...target, extension: 'json', path: '/' });
  assert.deepEqual(readWebTarget('/guest/p/w.xml'), { namespace: 'guest', pkg: 'p', name: 'w.xml', extension: 'http', path: '' });
  assert.deepEqual(readWebTarget('/guest/p/w.json.json')?.name, 'w.json');
});

test('what names no action that could exist is no target', () => {
  for (const path of [
    '/guest',
    '/guest/',
    '/guest/default',
    '/guest/default/',
    '/guest/default/!x',
    '/guest/default/%zz',
    '/g/default/a%2Fb',
    '/g//a',
  ]) {
    assert.equal(readWebTarget(path), undefined, path);
  }
});

test('require-whisk-auth asks for any subject, for its own text or number, or can never be met', () => {
  const ask = (value: string | undefined, secret?: string, authenticated = false) =>
    satisfies(
      { annotations: value === undefined ? [] : [{ key: 'require-whisk-auth', value: asJsonText(value) }] },
      { authenticated, secret },
    );
  assert.deepEqual([ask(undefined), ask('false'), ask('true'), ask('true', undefined, true)], [true, true, false, true]);
  assert.deepEqual([ask('"s"', 's'), ask('"s"', 'S'), ask('"s"'), ask('"s"', undefined, true)], [true, false, false, false]);
  assert.deepEqual([ask('42', '42'), ask('42', '43')], [true, false]);
  assert.deepEqual(
    ['null', '{}', '[]'].map((value) => ask(value, value, true)),
    [false, false, false],
  );
});
