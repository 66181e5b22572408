import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress, isWithin, networkOf, readRanges, type Address } from './address.js';
import { findCaller } from './caller.js';

const trusted = readRanges(['10.0.0.0/8', '127.0.0.1', '2001:db8:1::/48']);

test('an address has one form in every dress', () => {
  const forms: [string, string | undefined][] = [
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['[::ffff:203.0.113.9]:443', '203.0.113.9'],
    [' 203.0.113.9:5123 ', '203.0.113.9'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:DB8:0:0::1]', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['10.0.0.1', '10.0.0.1'],
    ['100.64.0.1', '100.64.0.1'],
    ['fd00::1', 'fd00::1'],
    ['', undefined],
    ['unknown', undefined],
    ['_hidden', undefined],
    ['1.2.3.4.5', undefined],
    ['1.2.3', undefined],
    ['16909060', undefined],
    ['010.0.0.1', undefined],
    ['256.0.0.1', undefined],
    ['[2001:db8::1', undefined],
    ['2001:db8::1::2', undefined],
    ['203.0.113.9, garbage', undefined],
  ];
  for (const [text, canonical] of forms) assert.equal(canonicalAddress(text), canonical, text);
});

test('canonical is canonical again and no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
      const once = canonicalAddress(text);
      if (once !== undefined) assert.equal(canonicalAddress(once), once);
    }),
  );
});

test('headers from an unlisted peer are ignored', () => {
  assert.deepEqual(findCaller('203.0.113.7', '8.8.8.8', trusted), { address: '203.0.113.7', chain: ['203.0.113.7'], viaProxy: false });
  assert.equal(findCaller('::ffff:203.0.113.7', '8.8.8.8', trusted).address, '203.0.113.7');
});

test('from a listed peer the walk goes right to left to the first unlisted', () => {
  const caller = findCaller('10.1.1.1', '8.8.8.8, 203.0.113.9, 10.2.2.2', trusted);
  assert.deepEqual(caller, { address: '203.0.113.9', chain: ['203.0.113.9', '10.2.2.2', '10.1.1.1'], viaProxy: true });
  assert.equal(findCaller('2001:db8:1::7', '[2001:db8:2::9]:80', trusted).address, '2001:db8:2::9');
});

test('an unreadable entry ends the walk at the hop before it', () => {
  assert.equal(findCaller('10.1.1.1', '203.0.113.9, garbage', trusted).address, '10.1.1.1');
  assert.equal(findCaller('10.1.1.1', '203.0.113.9, garbage, 10.2.2.2', trusted).address, '10.2.2.2');
  assert.equal(findCaller('10.1.1.1', '', trusted).address, '10.1.1.1');
  assert.equal(findCaller('10.1.1.1', undefined, trusted).address, '10.1.1.1');
  assert.equal(findCaller(undefined, '203.0.113.9', trusted).address, undefined);
});

test('ranges of one family never match the other, and a bad entry is named', () => {
  assert.equal(isWithin('2001:db8::1' as Address, readRanges(['0.0.0.0/0'])), false);
  assert.throws(() => readRanges(['10.0.0.0/8', 'proxy.example']), /'proxy\.example' is neither/);
});

test('what is remembered of a caller is his network', () => {
  assert.equal(networkOf('203.0.113.9' as Address), '203.0.113.0/24');
  assert.equal(networkOf('2001:db8:1:2::9' as Address), '2001:db8:1::/48');
});
