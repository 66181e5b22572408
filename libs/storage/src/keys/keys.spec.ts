import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { decryptCode, encryptCode, keyVersionOf, seal, unseal } from './cipher.js';
import { newRegionKey, publicKeyOf, unwrap, wrap } from './region-key.js';

const key = Buffer.alloc(32, 7);
const ns = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502';
const code = Buffer.from('function main() { return { canary: true }; }');

test('the format of encrypted code never changes: equal code keeps its address from version to version of this software', () => {
  const blob = encryptCode(code, key, 3, ns);
  assert.equal(createHash('sha256').update(blob).digest('hex'), '7994ab0e15486c06dcc50d0d2cebfda5b2ba67686d1bc82ea756541ca6352b77');
  assert.equal(blob.length, 1 + 4 + 32 + code.length + 16);
  assert.equal(keyVersionOf(blob), 3);
  assert.deepEqual(decryptCode(blob, key, ns), code);
});

test('code of any length opens again, also none', () => {
  for (const length of [0, 1, 15, 16, 17, 100_000]) {
    const text = Buffer.alloc(length, 1);
    assert.deepEqual(decryptCode(encryptCode(text, key, 1, ns), key, ns), text);
  }
});

test('one changed bit anywhere, another key, another namespace: nothing opens', () => {
  const blob = encryptCode(code, key, 3, ns);
  const sealed = seal(code, key, 3, ns);
  for (let i = 0; i < blob.length; i += 1) {
    const changed = Buffer.from(blob);
    changed[i] = (changed[i] ?? 0) ^ 1;
    assert.throws(() => decryptCode(changed, key, ns), `byte ${i} of a blob`);
  }
  for (let i = 0; i < sealed.length; i += 1) {
    const changed = Buffer.from(sealed);
    changed[i] = (changed[i] ?? 0) ^ 1;
    assert.throws(() => unseal(changed, key, ns), `byte ${i} of a secret`);
  }
  for (const open of [decryptCode.bind(undefined, blob), unseal.bind(undefined, sealed)]) {
    assert.throws(() => open(Buffer.alloc(32, 8), ns));
    assert.throws(() => open(key, ns.replace('2', '3')));
  }
});

test('the bytes show neither the code nor its hash', () => {
  const blob = encryptCode(code, key, 3, ns);
  assert.ok(!blob.includes('canary'));
  assert.ok(!blob.includes(createHash('sha256').update(code).digest()));
  assert.ok(!encryptCode(code, Buffer.alloc(32, 8), 3, ns).equals(blob));
});

test('a wrapped key opens for its region and its label alone', () => {
  const [mine, other] = [newRegionKey(), newRegionKey()];
  assert.equal(publicKeyOf(mine.privatePem), mine.publicKey);
  assert.equal(Buffer.from(mine.publicKey, 'base64').length, 32);
  const wrapped = wrap(key, mine.publicKey, 'label');
  assert.notEqual(wrap(key, mine.publicKey, 'label'), wrapped);
  assert.deepEqual(unwrap(wrapped, mine.privatePem, 'label'), key);
  assert.throws(() => unwrap(wrapped, other.privatePem, 'label'));
  assert.throws(() => unwrap(wrapped, mine.privatePem, 'another'));
});
