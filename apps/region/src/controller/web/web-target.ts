import { isName, nameLengthMax } from '#libs/domain';
import { decodeSegment } from '#libs/http';

/** How the result of a web action becomes a response. */
export const extensions = ['http', 'json', 'html', 'svg', 'text'] as const;
/** The ending of a web action's name in a URL. */
export type Extension = (typeof extensions)[number];

/** Which web action a path names. */
export interface WebTarget {
  readonly namespace: string;
  /** Undefined for `default`. */
  readonly pkg: string | undefined;
  readonly name: string;
  readonly extension: Extension;
  /** What follows the action, as received, with its slash; empty where nothing does. */
  readonly path: string;
}

/** Reads a path below `/api/v1/web`, such as `/guest/default/hello.json/a/b`. Undefined where it names no action that could exist. */
export function readWebTarget(path: string): WebTarget | undefined {
  const [, first, second, third, rest = ''] = /^\/([^/]+)\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  const [namespace, pkg, last] = [first, second, third].map((segment) => (segment === undefined ? undefined : decodeSegment(segment)));
  if (namespace === undefined || pkg === undefined || last === undefined) return undefined;
  const extension = extensions.find((ext) => last.endsWith(`.${ext}`) && last.length > ext.length + 1);
  const name = extension ? last.slice(0, -extension.length - 1) : last;
  if (![namespace, pkg, name].every((part) => part.length <= nameLengthMax && isName(part))) return undefined;
  return { namespace, pkg: pkg === 'default' ? undefined : pkg, name, extension: extension ?? 'http', path: rest };
}
