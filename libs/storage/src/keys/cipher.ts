import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** Format byte of a code blob and of a sealed secret. */
const format = 1;
const tagBytes = 16;

/**
 * Encrypts code so that equal code of one namespace and key version gives equal bytes: unchanged code ships nothing, and its address
 * (the SHA-256 of these bytes) can be checked by anyone without a key.
 *
 *   u8 format · u32 key version · 32 bytes header · AES-256-GCM ciphertext · 16 bytes tag
 *
 * header = HMAC-SHA-256(namespace key, "code" ‖ SHA-256(code)); content key = HKDF(namespace key, salt = header). Each content key encrypts one
 * text only, so the nonce is fixed. The header tells nothing about the code to whoever lacks the key (docs/decisions).
 */
export function encryptCode(code: Uint8Array, key: Buffer, keyVersion: number, ns: string): Buffer {
  const header = createHmac('sha256', key).update('code').update(createHash('sha256').update(code).digest()).digest();
  const start = Buffer.alloc(5);
  start[0] = format;
  start.writeUInt32BE(keyVersion, 1);
  const cipher = createCipheriv('aes-256-gcm', contentKey(key, header), Buffer.alloc(12)).setAAD(aad(ns, keyVersion));
  const sealed = Buffer.concat([cipher.update(code), cipher.final()]);
  return Buffer.concat([start, header, sealed, cipher.getAuthTag()]);
}

/** The key version that a blob or sealed secret was encrypted with. */
export function keyVersionOf(bytes: Uint8Array): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 5 || view[0] !== format) throw new Error('not a format of ciphertext that this version reads');
  return view.readUInt32BE(1);
}

/** Undoes `encryptCode`; throws on anything that was changed or belongs to another namespace. */
export function decryptCode(bytes: Uint8Array, key: Buffer, ns: string): Buffer {
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = blob.subarray(5, 37);
  const decipher = createDecipheriv('aes-256-gcm', contentKey(key, header), Buffer.alloc(12))
    .setAAD(aad(ns, keyVersionOf(blob)))
    .setAuthTag(blob.subarray(blob.length - tagBytes));
  return Buffer.concat([decipher.update(blob.subarray(37, blob.length - tagBytes)), decipher.final()]);
}

/** Encrypts a secret with a random nonce: u8 format · u32 key version · 12 bytes nonce · ciphertext · 16 bytes tag. */
export function seal(secret: Uint8Array, key: Buffer, keyVersion: number, ns: string): Buffer {
  const start = Buffer.alloc(5);
  start[0] = format;
  start.writeUInt32BE(keyVersion, 1);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(key), nonce).setAAD(aad(ns, keyVersion));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([start, nonce, sealed, cipher.getAuthTag()]);
}

/** Undoes `seal`. */
export function unseal(bytes: Uint8Array, key: Buffer, ns: string): Buffer {
  const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(key), sealed.subarray(5, 17))
    .setAAD(aad(ns, keyVersionOf(sealed)))
    .setAuthTag(sealed.subarray(sealed.length - tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(17, sealed.length - tagBytes)), decipher.final()]);
}

function contentKey(key: Buffer, header: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, header, 'isochrone code', 32));
}

function sealingKey(key: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), 'isochrone seal', 32));
}

function aad(ns: string, keyVersion: number): Buffer {
  return Buffer.from(`${ns} ${keyVersion}`);
}
