/**
 * The well-known namespaces and keys that every OpenWhisk on one machine has: the guest's, and that of the packages for everybody. Their rows are
 * the same, byte for byte, in every region from the start, so that regions agree on them without a word; profile `local` alone has them.
 */
import { createHash } from 'node:crypto';
import {
  spaces,
  systemNamespace,
  toJsonText,
  type EntityId,
  type EntityRow,
  type Hlc,
  type NamespaceId,
  type RegionCode,
  type World,
} from '#libs/domain';
import { namespaceKeyWrite, sealSecret, type NamespaceKeyDocument } from '#libs/storage';
import type { NamespaceSecrets, Settings } from './settings.js';

/** A well-known namespace: its name, its id, and the secret part of its key. */
export interface WellKnown {
  readonly name: string;
  readonly uuid: string;
  readonly secret: string;
}

/** The namespace whose key everybody is told. */
export const guest: WellKnown = {
  name: 'guest',
  uuid: '23bc46b1-71f6-4ed5-8c54-816aa4f8c502',
  secret: '123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP',
};

/** The namespace of the packages that everybody may use. */
export const system: WellKnown = {
  name: systemNamespace.name,
  uuid: systemNamespace.ns,
  secret: 'abczO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP',
};

/** The guest's key, `uuid:key`, as clients send it. */
export const guestKey = `${guest.uuid}:${guest.secret}`;

/** Version of a well-known namespace's key. */
const keyVersion = 1;

/** The secrets of a well-known namespace, complete for the regions of a world: a region that is new to it gets its wrap, and the set counts as a new one. */
export function completeSecrets({ uuid, secret }: WellKnown, kept: NamespaceSecrets, world: World): NamespaceSecrets {
  if (kept.sealedKey !== '' && world.regions.every(({ id }) => kept.wraps[id] !== undefined)) return kept;
  const ns = uuid as NamespaceId;
  const key = Buffer.from(kept.namespaceKey, 'base64');
  const write = namespaceKeyWrite(ns, keyVersion, key, world.regions);
  const { wraps } = JSON.parse(write.doc ?? '{}') as NamespaceKeyDocument;
  const sealedKey = kept.sealedKey || sealSecret(Buffer.from(`${uuid}:${secret}`), key, keyVersion, ns).toString('base64');
  return { ...kept, generation: kept.generation + 1, wraps: { ...kept.wraps, ...wraps }, sealedKey };
}

/** The rows of all well-known namespaces. */
export function wellKnownRows(settings: Settings): EntityRow[] {
  return [...rowsOf(guest, settings.guest, settings), ...rowsOf(system, settings.system, settings)];
}

/**
 * The rows of a well-known namespace: its key, itself, its auth key. Their version is the world's creation, moved on by one with every set of
 * wraps, so that a region that joins later brings a newer row and not a conflict.
 */
export function rowsOf(
  { name, uuid, secret }: WellKnown,
  secrets: NamespaceSecrets,
  { createdAtMs, codes }: Pick<Settings, 'createdAtMs' | 'codes'>,
): EntityRow[] {
  const version = (BigInt(createdAtMs) << 16n) + BigInt(secrets.generation);
  const row = (space: EntityRow['space'], path: string, doc: object, sealed: Uint8Array | null = null): EntityRow => ({
    space,
    ns: uuid as NamespaceId,
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
    row(spaces.namespaceKey, `key/${keyVersion}`, { version: keyVersion, wraps: secrets.wraps }),
    row(spaces.namespace, name, { name, subject: name }),
    row(spaces.key, uuid, { subject: name, namespace: name, hash }, Buffer.from(secrets.sealedKey, 'base64')),
  ];
}
