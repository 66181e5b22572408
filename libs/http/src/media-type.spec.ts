import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonFamily, readMediaType } from './media-type.js';
import { decodeSegment, splitTarget, withoutDots } from './path.js';
import { transidOf } from './transid.js';

test('a media type is read in lower case, with its charset', () => {
  assert.deepEqual(readMediaType('Text/HTML; level=1; Charset="UTF-8"'), {
    full: 'text/html',
    main: 'text',
    sub: 'html',
    charset: 'UTF-8',
  });
  assert.equal(readMediaType('nonsense'), undefined);
  assert.equal(readMediaType(undefined), undefined);
});

test('the JSON family is application/json and what ends in +json', () => {
  const family = (text: string): boolean => isJsonFamily(readMediaType(text) ?? { full: '', main: '', sub: '' });
  assert.deepEqual(['application/json', 'application/hal+json', 'text/json', 'application/jsonx'].map(family), [true, true, false, false]);
});

test('a path segment is decoded exactly once and never split', () => {
  assert.equal(decodeSegment('a%2Fb'), 'a/b');
  assert.equal(decodeSegment('a%252Fb'), 'a%2Fb');
  assert.equal(decodeSegment('a+b'), 'a+b');
  assert.equal(decodeSegment('%00'), '\0');
  assert.equal(decodeSegment('%zz'), undefined);
  assert.equal(decodeSegment('%ff'), undefined);
  assert.deepEqual(splitTarget('/a?b=?c'), { path: '/a', query: 'b=?c' });
});

test('dot segments of a path take effect before anybody reads it', () => {
  const given: readonly (readonly [string, string])[] = [
    ['/a/b', '/a/b'],
    ['/n/guest/actions/../../whisk.system/actions/p/f?b=../..', '/n/whisk.system/actions/p/f?b=../..'],
    ['/a/./b/.', '/a/b/'],
    ['/a/%2E%2e/b/%2e', '/b/'],
    ['/a/b/..', '/a/'],
    ['/../../a', '/a'],
    ['/..', '/'],
    ['/a//../b', '/a/b'],
    ['/a/...', '/a/...'],
    ['/a/.b/..c', '/a/.b/..c'],
    ['/a/..%2fb', '/a/..%2fb'],
    ['/a?b=/../c', '/a?b=/../c'],
    ['*', '*'],
    ['', ''],
  ];
  for (const [target, read] of given) assert.equal(withoutDots(target), read, target);
});

test('a transaction id is the client’s unless it is a system’s or cannot be echoed', () => {
  assert.equal(transidOf('my-id-42'), 'my-id-42');
  for (const given of [undefined, '', 'sid_mine', 'a\nb', 'x'.repeat(257)]) assert.match(transidOf(given), /^[A-Za-z0-9]{32}$/);
});
