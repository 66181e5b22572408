import { Failure, spaces, type EntityKey, type EntityRow, type EntityStore } from '#libs/domain';
import { hashSecret, readCredentials, sameHash } from './credentials.js';
import { identityOf, KeyDoc, NamespaceDoc, type Identity } from './identity.js';
import { ReadThrough } from './read-through.js';

interface Key {
  readonly hash: string;
  readonly identity: Identity | undefined;
}

const bounds = { max: 20_000, ttlMs: 30_000 };

/** What an unknown key is compared with, so that it takes as long as a known one. */
const nobody: Key = { hash: hashSecret(''), identity: undefined };

/** Looks up who a key belongs to and whose a namespace is, through a bounded cache that changes of keys and namespaces invalidate. */
export class Identities {
  private readonly keys = new ReadThrough<Key>(bounds, (uuid) => this.loadKey(uuid));
  private readonly names = new ReadThrough<Identity>(bounds, (name) => this.loadName(name));

  constructor(private readonly store: EntityStore) {}

  /** The identity an `Authorization` header proves. Throws `unauthenticated` where it offers none and `bad-credentials` where it proves nothing. */
  async authenticate(header: string | undefined): Promise<Identity> {
    const credentials = readCredentials(header);
    if (credentials.kind === 'none') throw new Failure('unauthenticated');
    const identity = credentials.kind === 'key' ? await this.byKey(credentials.uuid, credentials.secret) : undefined;
    if (!identity) throw new Failure('bad-credentials');
    return identity;
  }

  /** The identity an `Authorization` header proves, where that may be anyone's: credentials that are no good make a caller anonymous and nothing else. */
  async recognise(header: string | undefined): Promise<Identity | undefined> {
    const credentials = readCredentials(header);
    return credentials.kind === 'key' ? this.byKey(credentials.uuid, credentials.secret) : undefined;
  }

  /** The identity a key proves, or undefined. */
  async byKey(uuid: string, secret: string): Promise<Identity | undefined> {
    const key = (await this.keys.read(uuid)) ?? nobody;
    return sameHash(key.hash, hashSecret(secret)) ? key.identity : undefined;
  }

  /** The identity that owns a namespace, or undefined where there is none by that name. */
  byNamespace(name: string): Promise<Identity | undefined> {
    return this.names.read(name);
  }

  /** Forgets what a changed row may have been part of. */
  forget({ space, path }: EntityKey): void {
    if (space === spaces.key) this.keys.forget(path);
    if (space !== spaces.namespace) return;
    this.names.forget(path);
    this.keys.clear();
  }

  private async loadKey(uuid: string): Promise<Key | undefined> {
    const [row] = await this.store.findByPath(spaces.key, uuid);
    if (!row) return undefined;
    const { hash, namespace } = KeyDoc.parse(docOf(row));
    const owner = await this.store.find({ space: spaces.namespace, ns: row.ns, path: namespace });
    return owner && { hash, identity: readIdentity(owner) };
  }

  /** Two regions may have given one name at the same time; the lesser id has it, everywhere. */
  private async loadName(name: string): Promise<Identity | undefined> {
    const rows = await this.store.findByPath(spaces.namespace, name);
    const [row] = rows.toSorted((a, b) => (a.ns < b.ns ? -1 : 1));
    return row && readIdentity(row);
  }
}

/** The document of a visible row. */
export function docOf(row: EntityRow): unknown {
  return JSON.parse(row.doc ?? 'null');
}

function readIdentity(row: EntityRow): Identity | undefined {
  return identityOf(row.ns, NamespaceDoc.parse(docOf(row)));
}
