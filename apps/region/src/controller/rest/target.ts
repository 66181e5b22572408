import { checkName, checkNamespace } from '#libs/domain';
import { decodeSegment } from '#libs/http';

/** The collections of a namespace whose members have names. */
export const collections = ['actions', 'packages', 'triggers', 'rules', 'activations', 'limits'] as const;
/** A collection's name in a path. */
export type Collection = (typeof collections)[number];

/** What a path under `/api/v1` is about. Segments are decoded once; names are not checked yet. */
export type Target =
  | { readonly kind: 'info' }
  | { readonly kind: 'namespaces' }
  | { readonly kind: 'collection'; readonly collection: Collection; readonly namespace: string }
  /** `actions/PKG/`: what a package contains. */
  | { readonly kind: 'folder'; readonly namespace: string; readonly pkg: string }
  | {
      readonly kind: 'entity';
      readonly collection: Collection;
      readonly namespace: string;
      readonly pkg?: string;
      readonly name: string;
      /** `logs` or `result` of an activation. */
      readonly part?: string;
    }
  | { readonly kind: 'none' };

const none: Target = { kind: 'none' };

/** Reads a path below `/api/v1`, such as `/namespaces/_/actions/p/a`. A slash at the end counts only where it means something. */
export function readTarget(path: string): Target {
  if (path === '' || path === '/') return { kind: 'info' };
  if (path === '/namespaces' || path === '/namespaces/') return { kind: 'namespaces' };
  const segments = path.slice(1).split('/').map(decodeSegment);
  if (!segments.every((segment) => segment !== undefined)) return none;
  const [root, namespace, word, ...rest] = segments;
  const collection = collections.find((name) => name === word);
  if (root !== 'namespaces' || namespace === undefined || namespace === '' || collection === undefined) return none;
  if (rest.length === 0 || (rest.length === 1 && rest[0] === '')) return { kind: 'collection', collection, namespace };
  const [first = '', second] = rest;
  if (first === '') return none;
  if (rest.length === 1) return { kind: 'entity', collection, namespace, name: first };
  if (rest.length > 2 || second === undefined) return none;
  if (collection === 'actions')
    return second === '' ? { kind: 'folder', namespace, pkg: first } : { kind: 'entity', collection, namespace, pkg: first, name: second };
  if (collection !== 'activations') return none;
  if (second === '') return { kind: 'entity', collection, namespace, name: first };
  return second === 'logs' || second === 'result' ? { kind: 'entity', collection, namespace, name: first, part: second } : none;
}

/** Checks the names of a target; throws OpenWhisk's text for the first that is too long or illegal. `_` stands for one's own namespace. */
export function checkTarget(target: Target): void {
  if (!('namespace' in target)) return;
  if (target.namespace !== '_') checkNamespace(target.namespace);
  if (target.kind === 'folder') checkName(target.pkg);
  if (target.kind !== 'entity' || target.collection === 'activations' || target.collection === 'limits') return;
  if (target.pkg !== undefined) checkName(target.pkg);
  checkName(target.name);
}
