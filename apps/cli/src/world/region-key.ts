import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { corrupt, writePrivately } from './settings.js';

/** Bytes of a raw X25519 public key, which end its SPKI form. */
const rawBytes = 32;

/** The public half (base64, raw) of the X25519 key for which a region's namespace keys are wrapped; made where there is none yet. */
export function ensureRegionKey(file: string): string {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writePrivately(file, generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  try {
    const key = createPrivateKey(readFileSync(file));
    return createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-rawBytes).toString('base64');
  } catch (cause) {
    throw corrupt(file, cause instanceof Error ? cause.message : String(cause));
  }
}
