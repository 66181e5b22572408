import { createHash, timingSafeEqual } from 'node:crypto';
import { isUuid } from '#libs/domain';

/** What an `Authorization` header says: nothing that counts, something that cannot be right, or a key to be checked. */
export type Credentials =
  { readonly kind: 'none' } | { readonly kind: 'bad' } | { readonly kind: 'key'; readonly uuid: string; readonly secret: string };

/** Reads an `Authorization` header. Anything but `Basic` with base64 counts as absent, as in OpenWhisk. */
export function readCredentials(header: string | undefined): Credentials {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return { kind: 'none' };
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const uuid = text.slice(0, Math.max(colon, 0));
  const secret = text.slice(colon + 1);
  if (colon < 0 || !isUuid(uuid) || secret.trim() === '') return { kind: 'bad' };
  return { kind: 'key', uuid: uuid.toLowerCase(), secret };
}

/** The hash a key's row keeps of its secret part. Secrets are 64 random characters, so a plain hash cannot be guessed. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether two hex digests are equal, in a time that does not tell where they differ. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Whether two texts are equal, in constant time. */
export function sameSecret(a: string, b: string): boolean {
  return sameHash(hashSecret(a), hashSecret(b));
}
