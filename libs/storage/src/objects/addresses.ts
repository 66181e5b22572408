import { createHash } from 'node:crypto';
import { invariant } from '#libs/domain';

/** The address of bytes: their SHA-256, hex. */
export function addressOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where an object stands below its store's root: `ab/cdef…`. Throws on what is no address. */
export function placeOf(address: string): string {
  invariant(/^[0-9a-f]{64}$/.test(address), 'an address is 64 hex digits');
  return `${address.slice(0, 2)}/${address.slice(2)}`;
}

/** The bytes, when they are what their address says; throws otherwise: the store has damaged them. */
export function verified(address: string, bytes: Uint8Array): Uint8Array {
  const found = addressOf(bytes);
  if (found !== address) throw new Error(`object ${address} is damaged: its bytes hash to ${found}`);
  return bytes;
}
