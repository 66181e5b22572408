/**
 * The guest: the well-known namespace and key that every OpenWhisk on one machine has. Its rows are the same, byte for byte, in every region
 * from the start, so that regions agree on them without a word; profile `local` alone has them.
 */
import { createHash } from 'node:crypto';
import { spaces, toJsonText, type EntityId, type EntityRow, type Hlc, type NamespaceId, type RegionCode, type World } from '#libs/domain';
import { namespaceKeyWrite, sealSecret, type NamespaceKeyDocument } from '#libs/storage';
import type { Settings } from './settings.js';

const uuid = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502';
const secret = '123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP';
const name = 'guest';

/** `uuid:key`, as clients send it. */
export const guestKey = `${uuid}:${secret}`;

/** The guest's namespace. */
export const guestNamespace = uuid as NamespaceId;

/** Version of the guest's namespace key. */
const keyVersion = 1;

/** The guest's secrets, complete for the regions of a world: a region that is new to it gets its wrap, and the set counts as a new one. */
export function completeGuest(guest: Settings['guest'], world: World): Settings['guest'] {
  if (guest.sealedKey !== '' && world.regions.every(({ id }) => guest.wraps[id] !== undefined)) return guest;
  const key = Buffer.from(guest.namespaceKey, 'base64');
  const write = namespaceKeyWrite(guestNamespace, keyVersion, key, world.regions);
  const { wraps } = JSON.parse(write.doc ?? '{}') as NamespaceKeyDocument;
  const sealedKey = guest.sealedKey || sealSecret(Buffer.from(guestKey), key, keyVersion, guestNamespace).toString('base64');
  return { ...guest, generation: guest.generation + 1, wraps: { ...guest.wraps, ...wraps }, sealedKey };
}

/**
 * The rows of the guest: the namespace's key, the namespace, its auth key. Their version is the world's creation, moved on by one with every
 * set of wraps, so that a region that joins later brings a newer row and not a conflict.
 */
export function guestRows({ createdAtMs, guest, codes }: Pick<Settings, 'createdAtMs' | 'guest' | 'codes'>): EntityRow[] {
  const version = (BigInt(createdAtMs) << 16n) + BigInt(guest.generation);
  const row = (space: EntityRow['space'], path: string, doc: object, sealed: Uint8Array | null = null): EntityRow => ({
    space,
    ns: guestNamespace,
    path,
    kind: 0,
    entityId: uuid as EntityId,
    hlc: String(version) as Hlc,
    origin: Math.min(...Object.values(codes)) as RegionCode,
    schema: 1,
    deleted: false,
    doc: toJsonText(doc as Parameters<typeof toJsonText>[0]),
    sealed,
    blob: null,
    requires: [],
    updated: createdAtMs,
  });
  const hash = createHash('sha256').update(secret).digest('hex');
  return [
    row(spaces.namespaceKey, `key/${keyVersion}`, { version: keyVersion, wraps: guest.wraps }),
    row(spaces.namespace, name, { name, subject: name }),
    row(spaces.key, uuid, { subject: name, namespace: name, hash }, Buffer.from(guest.sealedKey, 'base64')),
  ];
}
