import { randomInt, randomUUID } from 'node:crypto';
import { Failure, isName, isUuid, spaces, type EntityRow, type EntityWrite, type NamespaceId } from '#libs/domain';
import type { AdminRows } from './admin-rows.js';
import { hashSecret } from './credentials.js';
import { docOf, proves, subjectKey } from './identities.js';
import { KeyDoc, namespaceId, NamespaceDoc, SubjectDoc, type Identity } from './identity.js';

/** What encrypts a namespace's secrets. */
export interface NamespaceSeal {
  /** Makes sure that the namespace has a key. */
  ensure(ns: NamespaceId): Promise<unknown>;
  seal(ns: NamespaceId, bytes: Uint8Array): Promise<Uint8Array>;
  open(ns: NamespaceId, sealed: Uint8Array): Promise<Uint8Array>;
  /** The row of the key that bytes were sealed with. */
  requirementOf(sealed: Uint8Array): EntityWrite['requires'];
}

/** A subject's right to one namespace, as an operator sees it in a list. */
export interface SubjectView {
  /** The namespace's name. */
  readonly name: string;
  readonly subject: string;
  readonly namespaceId: NamespaceId;
  readonly blocked: boolean;
}

/** A key, and what it opens. */
export interface SubjectKey {
  readonly subject: string;
  readonly namespace: string;
  readonly namespaceId: NamespaceId;
  /** `uuid:secret`. */
  readonly authKey: string;
}

/** What makes a subject or gives it one more namespace. */
export interface NewSubject {
  readonly subject: string;
  /** The subject's own name unless another is given. */
  readonly namespace?: string | undefined;
  /** For keys that exist elsewhere. */
  readonly authKey?: string | undefined;
  /** Takes the place of the key that the subject has for the namespace; `revoke` keeps its uuid. */
  readonly force?: boolean | undefined;
  readonly revoke?: boolean | undefined;
}

/** A key's row with its document. */
interface Held {
  readonly row: EntityRow;
  readonly doc: KeyDoc;
}

const alphanumerics = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A new auth key, `uuid:secret`. */
export function newAuthKey(uuid: string = randomUUID()): string {
  return `${uuid}:${Array.from({ length: 64 }, () => alphanumerics[randomInt(alphanumerics.length)]).join('')}`;
}

/**
 * Creates, lists, blocks and deletes subjects and their keys. A key belongs to one subject and opens one namespace; a subject may have several,
 * and a namespace several subjects. A namespace's id is the user name of its first key.
 */
export class Subjects {
  constructor(
    private readonly rows: AdminRows,
    private readonly seal: NamespaceSeal,
  ) {}

  /** Creates a subject or gives it a namespace, and returns the key. Throws where a name is illegal, the key stands, or the subject is blocked. */
  async create({ subject, namespace = subject, authKey, force, revoke }: NewSubject): Promise<SubjectKey> {
    checkNames(subject, namespace);
    if (await this.isBlocked(subject)) throw conflict('The subject you want to edit is blocked');
    const ns = await this.namespaceNamed(namespace);
    if (ns === undefined) return this.found(subject, namespace, authKey ?? newAuthKey());
    const held = (await this.keysIn(ns)).filter(({ doc }) => doc.subject === subject);
    const [first] = held;
    if (first && revoke && !force) return this.rotate(subject, namespace);
    if (first && !force) throw conflict('Namespace already exists');
    const key = await this.putKey(ns, { subject, namespace }, authKey ?? newAuthKey());
    for (const { row } of held) if (!key.authKey.startsWith(row.path)) await this.rows.drop(row);
    return key;
  }

  /** Every subject with every namespace it has a key for, by namespace. */
  async list(): Promise<SubjectView[]> {
    const [keys, states] = await Promise.all([this.rows.store.all(spaces.key), this.rows.store.all(spaces.subject)]);
    const docs = states.map((row) => SubjectDoc.parse(docOf(row)));
    const blocked = new Set(docs.filter((doc) => doc.blocked).map(({ subject }) => subject));
    const views = keys.map(held).map(({ row, doc }) => ({
      name: doc.namespace,
      subject: doc.subject,
      namespaceId: row.ns,
      blocked: blocked.has(doc.subject),
    }));
    return views.toSorted((a, b) => (a.name < b.name || (a.name === b.name && a.subject < b.subject) ? -1 : 1));
  }

  /** A subject and its keys. Throws where there is none. */
  async get(subject: string): Promise<{ subject: string; blocked: boolean; keys: SubjectKey[] }> {
    const keys = await this.keysOf(subject);
    if (keys.length === 0) throw new Failure('not-found');
    return { subject, blocked: await this.isBlocked(subject), keys: await Promise.all(keys.map((key) => this.shown(key))) };
  }

  /** The keys of a namespace, those of blocked subjects left out. */
  async ofNamespace(namespace: string): Promise<SubjectKey[]> {
    const ns = await this.namespaceNamed(namespace);
    const keys = ns === undefined ? [] : await this.keysIn(ns);
    const open = await Promise.all(keys.map(async (key) => ((await this.isBlocked(key.doc.subject)) ? [] : [key])));
    return Promise.all(open.flat().map((key) => this.shown(key)));
  }

  /** Whose a key is, or undefined where it opens nothing. */
  async whois(authKey: string): Promise<{ subject: string; namespace: string } | undefined> {
    const { uuid, secret } = splitKey(authKey);
    const [row] = await this.rows.store.findByPath(spaces.key, uuid);
    const doc = row && KeyDoc.parse(docOf(row));
    return doc && proves(doc, secret, Date.now()) ? { subject: doc.subject, namespace: doc.namespace } : undefined;
  }

  /** From now on a blocked subject is to everybody as if it did not exist. Throws where there is none. */
  async block(subject: string, blocked: boolean): Promise<void> {
    if ((await this.keysOf(subject)).length === 0) throw new Failure('not-found');
    await this.rows.put(subjectKey(subject), { subject, blocked } satisfies SubjectDoc);
  }

  /** Gives a key a new secret and returns it; the old one opens too for `overlapMs` more. */
  async rotate(subject: string, namespace = subject, overlapMs = 0): Promise<SubjectKey> {
    const ns = await this.namespaceNamed(namespace);
    const key = ns && (await this.keysIn(ns)).find(({ doc }) => doc.subject === subject);
    if (!key) throw new Failure('not-found');
    const previous = overlapMs > 0 ? { previous: { hash: key.doc.hash, untilMs: Date.now() + overlapMs } } : {};
    return this.putKey(ns, { subject, namespace, ...previous }, newAuthKey(key.row.path));
  }

  /**
   * Deletes a subject, or its key for one namespace: keys first, then namespaces to which nobody has a key any more. What such a namespace stored
   * stays, encrypted and out of reach, until it is erased. Throws where there is none. Returns the namespaces that are gone.
   */
  async remove(subject: string, namespace?: string): Promise<{ namespace: string; ns: NamespaceId }[]> {
    const keys = (await this.keysOf(subject)).filter(({ doc }) => namespace === undefined || doc.namespace === namespace);
    if (keys.length === 0) throw new Failure('not-found');
    const gone = [];
    for (const { row, doc } of keys) {
      await this.rows.drop(row);
      if (await this.abandoned(row.ns, doc)) gone.push({ namespace: doc.namespace, ns: row.ns });
    }
    if (namespace === undefined) await this.rows.drop(subjectKey(subject));
    return gone;
  }

  /** Namespaces to which nobody but this subject has a key. Throws where the subject has no key at all. */
  async soleNamespaces(subject: string): Promise<{ namespace: string; ns: NamespaceId }[]> {
    const keys = await this.keysOf(subject);
    if (keys.length === 0) throw new Failure('not-found');
    const own = new Map(keys.map(({ row, doc }) => [row.ns, doc.namespace]));
    const sole = await Promise.all(
      [...own].map(async ([ns, namespace]) =>
        (await this.keysIn(ns)).every(({ doc }) => doc.subject === subject) ? [{ namespace, ns }] : [],
      ),
    );
    return sole.flat();
  }

  /** Takes away what is left of a subject: its keys for namespaces that others share, and its state. */
  async forgetSubject(subject: string): Promise<void> {
    if ((await this.keysOf(subject)).length > 0) await this.remove(subject);
    else await this.rows.drop(subjectKey(subject));
  }

  /** The namespace of a name. Throws where there is none. */
  async namespaceOf(name: string): Promise<NamespaceId> {
    const ns = await this.namespaceNamed(name);
    if (ns === undefined) throw new Failure('not-found');
    return ns;
  }

  /** The key of who is asking, for actions that are entitled to one, or undefined where it has none. */
  async keyOf({ ns, subject }: Pick<Identity, 'ns' | 'subject'>): Promise<string | undefined> {
    const keys = await this.keysIn(ns);
    const own = keys.find(({ doc }) => doc.subject === subject) ?? keys[0];
    return own && (await this.open(own));
  }

  private async found(subject: string, namespace: string, authKey: string): Promise<SubjectKey> {
    const ns = namespaceId(splitKey(authKey).uuid);
    if ((await this.rows.store.inNamespace(spaces.erasure, ns)).length > 0) throw conflict('A namespace with this id was erased');
    const [other] = await this.rows.store.inNamespace(spaces.namespace, ns);
    if (other) throw conflict('A namespace with this id exists');
    await this.seal.ensure(ns);
    await this.rows.put({ space: spaces.namespace, ns, path: namespace }, { name: namespace, subject } satisfies NamespaceDoc);
    return this.putKey(ns, { subject, namespace }, authKey);
  }

  private async putKey(ns: NamespaceId, doc: Omit<KeyDoc, 'hash'>, authKey: string): Promise<SubjectKey> {
    const { uuid, secret } = splitKey(authKey);
    const [taken] = await this.rows.store.findByPath(spaces.key, uuid);
    const other = taken && held(taken).doc;
    if (taken && (taken.ns !== ns || other?.subject !== doc.subject)) throw conflict('A key with this id exists');
    const sealed = await this.seal.seal(ns, Buffer.from(authKey));
    const requires = [{ space: spaces.namespace, path: doc.namespace }, ...this.seal.requirementOf(sealed)];
    await this.rows.put({ space: spaces.key, ns, path: uuid }, { ...doc, hash: hashSecret(secret) } satisfies KeyDoc, { sealed, requires });
    return { subject: doc.subject, namespace: doc.namespace, namespaceId: ns, authKey };
  }

  /** Whether a namespace that lost a key is gone: it is where that was its last one, else it belongs to another from now on. */
  private async abandoned(ns: NamespaceId, { namespace, subject }: KeyDoc): Promise<boolean> {
    const at = { space: spaces.namespace, ns, path: namespace } as const;
    const [heir] = await this.keysIn(ns);
    if (!heir) return this.rows.drop(at);
    const row = await this.rows.store.find(at);
    const owner = row && NamespaceDoc.parse(docOf(row)).subject;
    if (owner === subject) await this.rows.put(at, { name: namespace, subject: heir.doc.subject } satisfies NamespaceDoc);
    return false;
  }

  private async namespaceNamed(name: string): Promise<NamespaceId | undefined> {
    const rows = await this.rows.store.findByPath(spaces.namespace, name);
    return rows.map(({ ns }) => ns).toSorted()[0];
  }

  /** Keys of a subject, by namespace. Reads all keys: administration may be slow where that spares everybody else an index. */
  private async keysOf(subject: string): Promise<Held[]> {
    const keys = (await this.rows.store.all(spaces.key)).map(held).filter(({ doc }) => doc.subject === subject);
    return keys.toSorted((a, b) => (a.doc.namespace < b.doc.namespace ? -1 : 1));
  }

  private async keysIn(ns: NamespaceId): Promise<Held[]> {
    return (await this.rows.store.inNamespace(spaces.key, ns)).map(held);
  }

  private async isBlocked(subject: string): Promise<boolean> {
    const row = await this.rows.store.find(subjectKey(subject));
    return row !== undefined && SubjectDoc.parse(docOf(row)).blocked;
  }

  private async shown(key: Held): Promise<SubjectKey> {
    const { subject, namespace } = key.doc;
    return { subject, namespace, namespaceId: key.row.ns, authKey: (await this.open(key)) ?? '' };
  }

  private async open({ row }: Held): Promise<string | undefined> {
    return row.sealed ? Buffer.from(await this.seal.open(row.ns, row.sealed)).toString('utf8') : undefined;
  }
}

/** `_` stands for the caller's own namespace everywhere. */
function checkNames(subject: string, namespace: string): void {
  for (const [what, name] of [
    ['subject', subject],
    ['namespace', namespace],
  ] as const) {
    if (!isName(name) || name === '_') throw new Failure('bad-request', { reason: `The name of the ${what} contains illegal characters.` });
  }
}

function held(row: EntityRow): Held {
  return { row, doc: KeyDoc.parse(docOf(row)) };
}

function conflict(reason: string): Failure {
  return new Failure('admin-conflict', { reason });
}

function splitKey(authKey: string): { uuid: string; secret: string } {
  const colon = authKey.indexOf(':');
  const uuid = authKey.slice(0, Math.max(colon, 0)).toLowerCase();
  if (!isUuid(uuid)) throw new Failure('bad-request', { reason: 'A key is `uuid:secret`.' });
  return { uuid, secret: authKey.slice(colon + 1) };
}
