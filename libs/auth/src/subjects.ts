import { randomInt, randomUUID } from 'node:crypto';
import {
  Failure,
  isName,
  kinds,
  spaces,
  toJsonText,
  type EntityId,
  type EntityKey,
  type EntityStore,
  type EntityWrite,
  type JsonText,
  type NamespaceId,
} from '#libs/domain';
import { hashSecret } from './credentials.js';
import { docOf } from './identities.js';
import { KeyDoc, namespaceId, NamespaceDoc } from './identity.js';

/** What encrypts a namespace's secrets. */
export interface NamespaceSeal {
  /** Makes sure that the namespace has a key. */
  ensure(ns: NamespaceId): Promise<unknown>;
  seal(ns: NamespaceId, bytes: Uint8Array): Promise<Uint8Array>;
  open(ns: NamespaceId, sealed: Uint8Array): Promise<Uint8Array>;
}

/** A subject as an operator sees it. */
export interface SubjectView {
  readonly name: string;
  readonly subject: string;
  readonly namespaceId: NamespaceId;
  readonly blocked: boolean;
}

const alphanumerics = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A new auth key, `uuid:secret`. */
export function newAuthKey(): string {
  return `${randomUUID()}:${Array.from({ length: 64 }, () => alphanumerics[randomInt(alphanumerics.length)]).join('')}`;
}

/** Creates, lists and deletes subjects. A subject has one namespace of its own name, whose id is the user name of its first key. */
export class Subjects {
  constructor(
    private readonly store: EntityStore,
    private readonly seal: NamespaceSeal,
    private readonly changed: (key: EntityKey) => void = () => undefined,
  ) {}

  /** Creates a subject with its namespace and returns its key. Throws where the name is illegal or taken. `authKey` is for well-known keys. */
  async create(name: string, authKey = newAuthKey()): Promise<string> {
    // `_` stands for the caller's own namespace everywhere.
    if (!isName(name) || name === '_') throw new Failure('bad-request', { reason: 'The name of the subject contains illegal characters.' });
    const taken = await this.store.findByPath(spaces.namespace, name);
    if (taken.length > 0) throw new Failure('admin-conflict', { reason: `A subject named '${name}' exists.` });
    const { uuid, secret } = splitKey(authKey);
    const ns = namespaceId(uuid);
    await this.seal.ensure(ns);
    const sealed = await this.seal.seal(ns, Buffer.from(authKey));
    const key = { subject: name, namespace: name, hash: hashSecret(secret) } satisfies KeyDoc;
    const namespace = { name, subject: name } satisfies NamespaceDoc;
    await this.put({ space: spaces.namespace, ns, path: name }, toJsonText(namespace), null);
    await this.put({ space: spaces.key, ns, path: uuid }, toJsonText(key), sealed, [{ space: spaces.namespace, path: name }]);
    return authKey;
  }

  /** All subjects, by name. */
  async list(): Promise<SubjectView[]> {
    const rows = await this.store.all(spaces.namespace);
    const views = rows.map((row) => ({ doc: NamespaceDoc.parse(docOf(row)), ns: row.ns }));
    return views
      .map(({ doc, ns }) => ({ name: doc.name, subject: doc.subject, namespaceId: ns, blocked: doc.blocked ?? false }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Deletes a subject: its keys first, then its namespace. What it stored stays, encrypted and out of reach. Throws where there is none. */
  async remove(name: string): Promise<void> {
    const rows = await this.store.findByPath(spaces.namespace, name);
    if (rows.length === 0) throw new Failure('not-found');
    for (const { ns } of rows) {
      const keys = (await this.store.all(spaces.key)).filter((row) => row.ns === ns);
      for (const { path } of keys) await this.erase({ space: spaces.key, ns, path });
      await this.erase({ space: spaces.namespace, ns, path: name });
    }
  }

  /** A key of a namespace, for actions that are entitled to one, or undefined where it has none. */
  async keyOf(ns: NamespaceId): Promise<string | undefined> {
    const row = await this.store.find({ space: spaces.key, ns, path: ns });
    return row?.sealed ? Buffer.from(await this.seal.open(ns, row.sealed)).toString('utf8') : undefined;
  }

  private async put(key: EntityKey, doc: JsonText, sealed: Uint8Array | null, requires: EntityWrite['requires'] = []): Promise<void> {
    await this.store.write(key, (current) => ({
      kind: kinds.other,
      entityId: current?.entityId ?? (randomUUID() as EntityId),
      deleted: false,
      doc,
      sealed,
      blob: null,
      requires,
      updated: Date.now(),
    }));
    this.changed(key);
  }

  private async erase(key: EntityKey): Promise<void> {
    await this.store.write(key, (current) => {
      if (!current) throw new Failure('not-found');
      return {
        kind: current.kind,
        entityId: current.entityId,
        deleted: true,
        doc: null,
        sealed: null,
        blob: null,
        requires: [],
        updated: Date.now(),
      };
    });
    this.changed(key);
  }
}

function splitKey(authKey: string): { uuid: string; secret: string } {
  const colon = authKey.indexOf(':');
  return { uuid: authKey.slice(0, colon).toLowerCase(), secret: authKey.slice(colon + 1) };
}
