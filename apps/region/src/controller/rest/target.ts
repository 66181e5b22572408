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
  const [root, place = '', word, ...below] = segments;
  const collection = collections.find((name) => name === word);
  if (root !== 'namespaces' || place === '' || collection === undefined) return none;
  const ofAction = collection === 'actions' && below.length === 1 && below[0] !== '';
  const [namespace = '', ...pkg] = readNamespace(place, ofAction ? 2 : 1);
  const rest = [...pkg, ...below];
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

/**
 * The parts of a namespace's segment, where they are no more than `max`; else the whole, which is no name. Clients send two things there with
 * their slashes encoded, which OpenWhisk takes: `/guest` (`aio runtime package list /guest`), and before an action what lists show as its
 * namespace, which ends in the package: `guest/tools` (`aio runtime package delete --recursive`).
 */
function readNamespace(segment: string, max: number): string[] {
  const parts = segment.split('/').filter((part) => part !== '');
  return parts.length > 0 && parts.length <= max ? parts : [segment];
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
