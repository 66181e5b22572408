import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  asJsonText,
  Failure,
  kinds,
  spaces,
  type EntityId,
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

/** The newest key version that a namespace starts with. */
const firstVersion = 1;

/**
 * The keys that encrypt a namespace's code and secrets. Each is random, stands in the entity table wrapped for every region, and replicates
 * like any row; a region unwraps it with its private key. Open keys are kept in a bounded cache and never leave this class.
 */
export class NamespaceKeys {
  private readonly opened = new LRUCache<string, OpenKey>({ max: 10_000, ttl: 10 * 60_000 });
  private readonly privatePem: string;

  constructor(
    private readonly entities: EntityStore,
    private readonly world: World,
    private readonly region: WorldRegion,
    regionKeyFile: string,
  ) {
    this.privatePem = readFileSync(regionKeyFile, 'utf8');
  }

  /** Makes the namespace's first key unless it has one. */
  async ensure(ns: NamespaceId): Promise<void> {
    await this.entities.write(
      this.rowKey(ns, firstVersion),
      (current) => current ?? namespaceKeyWrite(ns, firstVersion, newNamespaceKey(), this.world.regions),
    );
  }

  /** Encrypts code; `address` is the SHA-256 (hex) of `bytes`, and equal code has an equal address. */
  async sealCode(ns: NamespaceId, code: Uint8Array): Promise<{ bytes: Buffer; address: string; keyVersion: number }> {
    const { key, version } = await this.key(ns, firstVersion);
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
    const { key, version } = await this.key(ns, firstVersion);
    return seal(secret, key, version, ns);
  }

  /** Undoes `seal`. */
  async open(ns: NamespaceId, sealed: Uint8Array): Promise<Buffer> {
    const { key } = await this.key(ns, keyVersionOf(sealed));
    return unseal(sealed, key, ns);
  }

  private async key(ns: NamespaceId, version: number): Promise<OpenKey> {
    const cached = this.opened.get(`${ns} ${version}`);
    if (cached) return cached;
    const row = await this.entities.find(this.rowKey(ns, version));
    const fresh = this.openRow(ns, version, row);
    this.opened.set(`${ns} ${version}`, fresh);
    return fresh;
  }

  private openRow(ns: NamespaceId, version: number, row: EntityRow | undefined): OpenKey {
    const document = row?.doc ? (JSON.parse(row.doc) as NamespaceKeyDocument) : undefined;
    const wrapped = document?.wraps[this.region.id];
    // The row has not replicated yet, or was written before this region joined: a reason to wait, not to fail for good.
    if (wrapped === undefined) throw new Failure('unavailable', { ns, version }, { fault: 'namespace-key', retryAfterS: 1 });
    return { version, key: unwrap(wrapped, this.privatePem, labelOf(ns, version)) };
  }

  private rowKey(ns: NamespaceId, version: number) {
    return { space: spaces.namespaceKey, ns, path: `key/${version}` };
  }
}

/** What a namespace-key row is to become: the key wrapped for every region. */
export function namespaceKeyWrite(ns: NamespaceId, version: number, key: Buffer, regions: readonly WorldRegion[]): EntityWrite {
  const document: NamespaceKeyDocument = {
    version,
    wraps: Object.fromEntries(regions.map((region) => [region.id, wrap(key, region.publicKey, labelOf(ns, version))])),
  };
  return {
    kind: kinds.other,
    entityId: randomUUID() as EntityId,
    deleted: false,
    doc: asJsonText(JSON.stringify(document)),
    sealed: null,
    blob: null,
    requires: [],
    updated: Date.now(),
  };
}

function labelOf(ns: string, version: number): string {
  return `${ns} ${version}`;
}
