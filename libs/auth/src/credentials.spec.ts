import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashSecret, readCredentials, sameHash, sameSecret } from './credentials.js';

const uuid = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502';
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

test('a key is read from Basic credentials; its secret may hold colons', () => {
  assert.deepEqual(readCredentials(basic(`${uuid.toUpperCase()}:a:b`)), { kind: 'key', uuid, secret: 'a:b' });
  assert.equal(readCredentials(basic(`${uuid}:a`).replace('Basic', 'bAsIc')).kind, 'key');
});

test('what is not Basic with base64 counts as nothing', () => {
  for (const header of [undefined, '', 'Basic', 'Basic %%%', 'Bearer abcdef', 'Basic  '])
    assert.equal(readCredentials(header).kind, 'none', header);
});

test('a missing colon, a user that is no UUID and a blank secret are bad', () => {
  for (const text of ['nocolon', 'guest:secret', `${uuid}:`, `${uuid}: `]) assert.equal(readCredentials(basic(text)).kind, 'bad', text);
});

test('secrets and hashes are equal or not', () => {
  assert.equal(sameSecret('a', 'a'), true);
  assert.equal(sameSecret('a', 'b'), false);
  assert.equal(sameHash(hashSecret('a'), 'ff'), false);
});
