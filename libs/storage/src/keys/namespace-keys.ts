import { createHash, randomUUID } from 'node:crypto';
import {
  Failure,
  kinds,
  spaces,
  toJsonText,
  type EntityId,
  type EntityKey,
  type EntityRow,
  type EntityStore,
  type EntityWrite,
  type NamespaceId,
  type World,
  type WorldRegion,
} from '#libs/domain';
import { LRUCache } from 'lru-cache';
import { decryptCode, encryptCode, keyVersionOf, seal, unseal } from './cipher.js';
import { newNamespaceKey, unwrap, wrap } from './region-key.js';

/** The document of a namespace-key row: the key, wrapped for every region of the world. */
export interface NamespaceKeyDocument {
  readonly version: number;
  /** By region id, base64 (`wrap`). */
  readonly wraps: Readonly<Record<string, string>>;
}

interface OpenKey {
  readonly version: number;
  readonly key: Buffer;
}

/** Where the rows of namespace keys stand. */
export type KeyRows = Pick<EntityStore, 'find' | 'write' | 'all' | 'inNamespace'>;

/**
 * The keys that encrypt a namespace's code and secrets. Each is random, stands in the entity table wrapped for every region, and replicates
 * like any row; a region unwraps it with its private key. Open keys are kept in a bounded cache and never leave this class.
 *
 * Regions number their keys apart from each other (a key's version is the code of the region that made it), so where two of them make a
 * namespace's first key at once, neither replaces the other: all that was encrypted with either opens, and all regions go on with the greater.
 */
export class NamespaceKeys {
  private readonly opened = new LRUCache<string, OpenKey>({ max: 10_000, ttl: 10 * 60_000 });
  /** The version that a namespace encrypts with, for as long as another region's greater one may go unnoticed. */
  private readonly newest = new LRUCache<NamespaceId, number>({ max: 10_000, ttl: 60_000 });

  constructor(
    private readonly rows: KeyRows,
    private readonly world: World,
    private readonly region: WorldRegion,
    private readonly privatePem: string,
  ) {}

  /** Makes the namespace's first key unless it has one. */
  async ensure(ns: NamespaceId): Promise<void> {
    const standing = await this.rows.inNamespace(spaces.namespaceKey, ns);
    if (standing.length > 0) return;
    const version: number = this.region.code;
    await this.rows.write(
      rowKey(ns, version),
      (current) => current ?? namespaceKeyWrite(ns, version, newNamespaceKey(), this.world.regions),
    );
  }

  /**
   * Makes a new key with which everything is encrypted from now on, and returns its version; what was encrypted before opens with the old ones.
   * Versions of two regions never meet: a version is a multiple of 256 and the region's code.
   */
  async rotate(ns: NamespaceId): Promise<number> {
    const newest = await this.newestVersion(ns);
    const version = (Math.floor(newest / 256) + 1) * 256 + this.region.code;
    const key = newNamespaceKey();
    await this.rows.write(rowKey(ns, version), (current) => current ?? namespaceKeyWrite(ns, version, key, this.world.regions));
    this.newest.delete(ns);
    return version;
  }

  /** The version that a namespace encrypts with now. Throws `unavailable` where it has no key yet. */
  async newestVersion(ns: NamespaceId): Promise<number> {
    this.newest.delete(ns);
    return (await this.newestKey(ns)).version;
  }

  /** Drops what is known of a namespace's keys: they are gone, or there is a newer one. */
  forget(ns: NamespaceId): void {
    this.newest.delete(ns);
    for (const name of this.opened.keys()) if (name.startsWith(`${ns} `)) this.opened.delete(name);
  }

  /** Wraps keys that this region can open for regions that joined since, and returns how many. Twice, or in two regions at once, is once. */
  async wrapForNewRegions(): Promise<number> {
    let count = 0;
    for (const row of await this.rows.all(spaces.namespaceKey)) {
      const { version, wraps } = documentOf(row);
      if (wraps[this.region.id] === undefined || this.world.regions.every(({ id }) => wraps[id] !== undefined)) continue;
      const { key } = this.openRow(row.ns, version, row);
      const { doc } = namespaceKeyWrite(row.ns, version, key, this.world.regions);
      const more = doc === null ? {} : (JSON.parse(doc) as NamespaceKeyDocument).wraps;
      await this.rows.write(rowKey(row.ns, version), (current = row) => ({
        ...current,
        doc: toJsonText({ version, wraps: { ...more, ...documentOf(current).wraps } }),
      }));
      count += 1;
    }
    return count;
  }

  /** Encrypts code; `address` is the SHA-256 (hex) of `bytes`, and equal code has an equal address. */
  async sealCode(ns: NamespaceId, code: Uint8Array): Promise<{ bytes: Buffer; address: string; keyVersion: number }> {
    const { key, version } = await this.newestKey(ns);
    const bytes = encryptCode(code, key, version, ns);
    return { bytes, address: createHash('sha256').update(bytes).digest('hex'), keyVersion: version };
  }

  /** Decrypts code. Throws on bytes that were changed or belong to another namespace. */
  async openCode(ns: NamespaceId, bytes: Uint8Array): Promise<Buffer> {
    const { key } = await this.key(ns, keyVersionOf(bytes));
    return decryptCode(bytes, key, ns);
  }

  /** Encrypts a secret of a namespace; the same secret never looks the same. */
  async seal(ns: NamespaceId, secret: Uint8Array): Promise<Buffer> {
    const { key, version } = await this.newestKey(ns);
    return seal(secret, key, version, ns);
  }

  /** Undoes `seal`. */
  async open(ns: NamespaceId, sealed: Uint8Array): Promise<Buffer> {
    const { key } = await this.key(ns, keyVersionOf(sealed));
    return unseal(sealed, key, ns);
  }

  /** The row of the key that bytes were encrypted with. */
  requirementOf(sealed: Uint8Array): EntityWrite['requires'] {
    return keyRequiredBy(keyVersionOf(sealed));
  }

  private async newestKey(ns: NamespaceId): Promise<OpenKey> {
    const known = this.newest.get(ns);
    if (known !== undefined) return this.key(ns, known);
    const rows = await this.rows.inNamespace(spaces.namespaceKey, ns);
    const versions = rows
      .map(documentOf)
      .filter(({ wraps }) => wraps[this.region.id] !== undefined)
      .map(({ version }) => version);
    if (versions.length === 0) throw missing(ns, 0);
    const newest = Math.max(...versions);
    this.newest.set(ns, newest);
    return this.key(ns, newest);
  }

  private async key(ns: NamespaceId, version: number): Promise<OpenKey> {
    const cached = this.opened.get(`${ns} ${version}`);
    if (cached) return cached;
    const fresh = this.openRow(ns, version, await this.rows.find(rowKey(ns, version)));
    this.opened.set(`${ns} ${version}`, fresh);
    return fresh;
  }

  private openRow(ns: NamespaceId, version: number, row: EntityRow | undefined): OpenKey {
    const wrapped = row && documentOf(row).wraps[this.region.id];
    if (wrapped === undefined) throw missing(ns, version);
    return { version, key: unwrap(wrapped, this.privatePem, labelOf(ns, version)) };
  }
}

/** The row of the key that bytes were encrypted with: a row that has such bytes requires it, so that no region shows what it cannot open. */
export function keyRequiredBy(...versions: readonly (number | undefined)[]): EntityWrite['requires'] {
  const needed = new Set(versions.filter((version) => version !== undefined && version > 0));
  return [...needed].map((version) => ({ space: spaces.namespaceKey, path: `key/${version}` }));
}

/** The row has not replicated yet, or was written before this region joined: a reason to wait, not to fail for good. */
function missing(ns: NamespaceId, version: number): Failure {
  return new Failure('unavailable', { ns, version }, { fault: 'namespace-key', retryAfterS: 1 });
}

function rowKey(ns: NamespaceId, version: number): EntityKey {
  return { space: spaces.namespaceKey, ns, path: `key/${version}` };
}

function documentOf(row: EntityRow): NamespaceKeyDocument {
  return JSON.parse(row.doc ?? '{"version":0,"wraps":{}}') as NamespaceKeyDocument;
}

/** What a namespace-key row is to become: the key wrapped for every region. */
export function namespaceKeyWrite(ns: NamespaceId, version: number, key: Buffer, regions: readonly WorldRegion[]): EntityWrite {
  const wraps = Object.fromEntries(regions.map((region) => [region.id, wrap(key, region.publicKey, labelOf(ns, version))]));
  return {
    kind: kinds.other,
    entityId: randomUUID() as EntityId,
    deleted: false,
    doc: toJsonText({ version, wraps } satisfies NamespaceKeyDocument),
    sealed: null,
    blob: null,
    requires: [],
    updated: Date.now(),
  };
}

function labelOf(ns: string, version: number): string {
  return `${ns} ${version}`;
}
