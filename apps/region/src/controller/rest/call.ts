import type { IncomingHttpHeaders } from 'node:http';
import type { Identity } from '#libs/auth';
import { Failure, type NamespaceId, type Transid } from '#libs/domain';
import type { Answer, Query } from '#libs/http';
import type { Target } from './target.js';

/** One authenticated request of the REST API, read as far as every handler needs it. */
export interface Call<T extends Target = Target> {
  readonly transid: Transid;
  readonly identity: Identity;
  readonly target: T;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** A call about a whole collection. */
export type CollectionCall = Call<Extract<Target, { kind: 'collection' }>>;
/** A call about one member of a collection. */
export type EntityCall = Call<Extract<Target, { kind: 'entity' }>>;
/** A call about what a package contains. */
export type FolderCall = Call<Extract<Target, { kind: 'folder' }>>;

/** What a feature serves: a handler by method, and no others. */
export interface Routes {
  readonly collection?: Readonly<Record<string, (call: CollectionCall) => Promise<Answer>>>;
  readonly entity?: Readonly<Record<string, (call: EntityCall) => Promise<Answer>>>;
  readonly folder?: Readonly<Record<string, (call: FolderCall) => Promise<Answer>>>;
}

/** A namespace as a caller sees it. */
export interface NamespaceView {
  readonly name: string;
  readonly ns: NamespaceId;
}

/** The name of the namespace a call is about; `_` is the caller's own. */
export function namespaceOf({
  identity,
  target,
}: {
  readonly identity: Identity;
  readonly target: { readonly namespace: string };
}): string {
  return target.namespace === '_' ? identity.namespace : target.namespace;
}

/** The caller's own namespace, where the call is about that. Throws `forbidden-resource` where it is not, whether the other one exists or not. */
export function ownNamespace(
  call: { readonly identity: Identity; readonly target: { readonly namespace: string } },
  ...below: readonly (string | undefined)[]
): NamespaceView {
  const name = namespaceOf(call);
  if (name !== call.identity.namespace) throw forbidden(name, ...below);
  return { name, ns: call.identity.ns };
}

/** The failure of a caller without rights, naming the resource `NS/[PKG/]NAME`. */
export function forbidden(...path: readonly (string | undefined)[]): Failure {
  return new Failure('forbidden-resource', { resource: path.filter((part) => part !== undefined).join('/') });
}
