import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

/** DER header of an X25519 public key (SubjectPublicKeyInfo, RFC 8410); 32 raw bytes follow. */
const spkiHeader = Buffer.from('302a300506032b656e032100', 'hex');

/** A new key pair of a region: the private key as PKCS#8 PEM, the public key as raw 32 bytes in base64, as `world.json` has it. */
export function newRegionKey(): { privatePem: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return { privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), publicKey: rawOf(publicKey).toString('base64') };
}

/** The public key (base64 of raw 32 bytes) of a private key in PEM. */
export function publicKeyOf(privatePem: string): string {
  return rawOf(createPublicKey(createPrivateKey(privatePem))).toString('base64');
}

/**
 * Encrypts `secret` so that only the region with the given public key reads it: ephemeral X25519, HKDF-SHA-256, AES-256-GCM.
 * The result is 32 bytes ephemeral key · 16 bytes tag · ciphertext, in base64.
 */
export function wrap(secret: Uint8Array, publicKey: string, label: string): string {
  const ephemeral = generateKeyPairSync('x25519');
  const sender = rawOf(ephemeral.publicKey);
  const key = sharedKey(ephemeral.privateKey, publicKeyFrom(Buffer.from(publicKey, 'base64')), sender, label);
  // The key is used once, for this text, so a fixed nonce repeats nothing.
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(Buffer.from(label));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([sender, cipher.getAuthTag(), sealed]).toString('base64');
}

/** Undoes `wrap`; throws when it was not meant for this key or label. */
export function unwrap(wrapped: string, privatePem: string, label: string): Buffer {
  const bytes = Buffer.from(wrapped, 'base64');
  const sender = bytes.subarray(0, 32);
  const key = sharedKey(createPrivateKey(privatePem), publicKeyFrom(sender), sender, label);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(Buffer.from(label)).setAuthTag(bytes.subarray(32, 48));
  return Buffer.concat([decipher.update(bytes.subarray(48)), decipher.final()]);
}

/** A new 256-bit key for a namespace. */
export function newNamespaceKey(): Buffer {
  return randomBytes(32);
}

function sharedKey(own: KeyObject, other: KeyObject, salt: Buffer, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', diffieHellman({ privateKey: own, publicKey: other }), salt, `isochrone wrap ${label}`, 32));
}

function publicKeyFrom(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiHeader, raw]), format: 'der', type: 'spki' });
}

function rawOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(spkiHeader.length);
}
