import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkName, checkNamespace, isName, isOlderVersion, nextVersion, parseVersion, splitPath } from './names.js';

test('names hold word characters, blanks and a few signs', () => {
  for (const name of ['a', '_', '1-x', 'a.b-c_d@e&f', 'a b', 'a.', 'A', 'a'.repeat(256)]) assert.ok(isName(name), name);
});

test('other names are refused', () => {
  for (const name of [
    '',
    '-a',
    ' a',
    'a ',
    'a!',
    'été',
    'a$',
    'a+b',
    'a:b',
    'a\tb',
    'a%',
    'a/b',
    'a\n',
    '\na',
    'a\0',
    'ａ',
    'a'.repeat(257),
  ]) {
    assert.ok(!isName(name), JSON.stringify(name));
  }
});

test('the longest name passes and one more says how long it may be', () => {
  assert.equal(checkName('a'.repeat(256)).length, 256);
  assert.throws(() => checkName('a'.repeat(257)), { message: 'Name segement longer than allowed: 257 > 256.' });
  assert.throws(() => checkNamespace('a'.repeat(257)), { message: 'Namespace longer than allowed: 257 > 256.' });
});

test('versions are read leniently', () => {
  for (const [text, version] of [
    ['1', '1.0.0'],
    ['1.2', '1.2.0'],
    ['01.002.3.4', '1.2.3'],
    ['0.0.1', '0.0.1'],
    ['2147483647', '2147483647.0.0'],
  ]) {
    assert.equal(parseVersion(text), version);
  }
});

test('what is no version is refused', () => {
  for (const text of ['', '0.0.0', 'a', '-1', '1.-2', '2147483648', 1, null, '1..2']) {
    assert.throws(() => parseVersion(text), { message: 'The request content was malformed:\nsemantic version malformed' });
  }
});

test('the next version is one more in the third place', () => {
  assert.equal(nextVersion('1.2.9'), '1.2.10');
});

test('a path splits into package and name', () => {
  assert.deepEqual(splitPath('p/a'), { pkg: 'p', name: 'a' });
  assert.deepEqual(splitPath('a'), { pkg: undefined, name: 'a' });
});

test('versions are compared number by number', () => {
  assert.ok(isOlderVersion('0.9.10', '0.10.0'));
  assert.ok(isOlderVersion('1.0.9', '1.0.10'));
  for (const version of ['1.0.0', '1.0.1', '2.0.0']) assert.ok(!isOlderVersion(version, '1.0.0'), version);
});
