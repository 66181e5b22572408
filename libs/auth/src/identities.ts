import { Failure, spaces, type EntityKey, type EntityRow, type EntityStore, type LimitOverrides, type NamespaceId } from '#libs/domain';
import { hashSecret, readCredentials, sameHash } from './credentials.js';
import { idOfName, KeyDoc, limitsOfRows, NamespaceDoc, SubjectDoc, type Identity } from './identity.js';
import { ReadThrough } from './read-through.js';

interface Key extends Pick<KeyDoc, 'hash' | 'previous'> {
  readonly identity: Identity | undefined;
}

const bounds = { max: 20_000, ttlMs: 30_000 };

/** What an unknown key is compared with, so that it takes as long as a known one. */
const nobody: Key = { hash: hashSecret(''), identity: undefined };

/** Rows of these spaces are part of any identity: who they concern cannot be told from their keys. */
const shared: readonly number[] = [spaces.namespace, spaces.subject, spaces.limits, spaces.erasure];

/** Looks up who a key belongs to and whose a namespace is, through a bounded cache that changes of keys, namespaces, subjects and limits invalidate. */
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
    return proves(key, secret, Date.now()) ? key.identity : undefined;
  }

  /** The identity that owns a namespace, or undefined where there is none by that name. */
  byNamespace(name: string): Promise<Identity | undefined> {
    return this.names.read(name);
  }

  /** Forgets what a changed row may have been part of. */
  forget({ space, path }: EntityKey): void {
    if (space === spaces.key) this.keys.forget(path);
    if (!shared.includes(space)) return;
    this.names.clear();
    this.keys.clear();
  }

  private async loadKey(uuid: string): Promise<Key | undefined> {
    const [row] = await this.store.findByPath(spaces.key, uuid);
    if (!row) return undefined;
    const { hash, previous, subject, namespace } = KeyDoc.parse(docOf(row));
    const [owner, blocked, limits] = await Promise.all([
      this.store.find({ space: spaces.namespace, ns: row.ns, path: namespace }),
      this.blocked(subject),
      this.limits(namespace),
    ]);
    if (!owner) return undefined;
    const open = !blocked && !NamespaceDoc.parse(docOf(owner)).blocked;
    const identity = open ? { subject, namespace, ns: row.ns, limits } : undefined;
    return { hash, identity, ...(previous && { previous }) };
  }

  /** Two regions may have given one name at the same time; the lesser id has it, everywhere. */
  private async loadName(name: string): Promise<Identity | undefined> {
    const rows = await this.store.findByPath(spaces.namespace, name);
    const [row] = rows.toSorted((a, b) => (a.ns < b.ns ? -1 : 1));
    if (!row) return undefined;
    const doc = NamespaceDoc.parse(docOf(row));
    if (doc.blocked) return undefined;
    const subject = (await this.blocked(doc.subject)) ? await this.anotherOf(row.ns, doc.subject) : doc.subject;
    return subject === undefined ? undefined : { subject, namespace: name, ns: row.ns, limits: await this.limits(name) };
  }

  /** A subject with a key for the namespace that is not blocked, other than `owner`. */
  private async anotherOf(ns: NamespaceId, owner: string): Promise<string | undefined> {
    const subjects = (await this.store.inNamespace(spaces.key, ns)).map((row) => KeyDoc.parse(docOf(row)).subject);
    for (const subject of new Set(subjects)) if (subject !== owner && !(await this.blocked(subject))) return subject;
    return undefined;
  }

  private async blocked(subject: string): Promise<boolean> {
    const row = await this.store.find(subjectKey(subject));
    return row !== undefined && SubjectDoc.parse(docOf(row)).blocked;
  }

  private async limits(namespace: string): Promise<LimitOverrides> {
    return limitsOfRows(await this.store.inNamespace(spaces.limits, idOfName('namespace', namespace)));
  }
}

/** Whether a key's secret is this one, or was until a moment that has not come yet. Takes as long for either. */
export function proves({ hash, previous }: Pick<KeyDoc, 'hash' | 'previous'>, secret: string, nowMs: number): boolean {
  const given = hashSecret(secret);
  const isNew = sameHash(hash, given);
  const isOld = sameHash(previous?.hash ?? hash, given) && previous !== undefined && nowMs < previous.untilMs;
  return isNew || isOld;
}

/** The key of a subject's row. */
export function subjectKey(subject: string): EntityKey {
  return { space: spaces.subject, ns: idOfName('subject', subject), path: 'state' };
}

/** The document of a visible row. */
export function docOf(row: Pick<EntityRow, 'doc'>): unknown {
  return JSON.parse(row.doc ?? 'null');
}
