import { decodeSegment, type ExactObject } from '#libs/http';
import { corsOf, stepsOf, type ApiRest, type ApiRoute } from './api.js';
import { targetOf, type Target } from './target.js';

/*
 * Which operation a request asks for. Base path and path of an operation are one template, segment by segment; `{name}` takes any segment.
 * The longest template that the request begins with is the one that is meant, and of those as long as it the one that is literal where they
 * first differ: `/a/b` before `/a/{x}` before `/{x}/b` before `/a`. Only then is the verb looked at. What the request has beyond its template
 * is handed to the action, as OpenWhisk's gateway does. With n templates of a namespace, a match costs n comparisons.
 */

/** An API with the version of each of its routes. */
export interface TabledApi {
  readonly rest: ApiRest;
  readonly routes: readonly { readonly route: ApiRoute; readonly version: string }[];
}

/** One operation of a resource. */
export interface TableEntry {
  readonly target: Target;
  /** Another one after every change of the route. */
  readonly version: string;
}

/** A template with its operations by verb, upper case. */
interface Resource {
  readonly segments: readonly (string | undefined)[];
  /** How many of the segments are the base path's. */
  readonly base: number;
  readonly cors: boolean | undefined;
  readonly entries: ReadonlyMap<string, TableEntry>;
}

/** What a request path leads to. */
export interface Match {
  /** Whether the gateway answers CORS; undefined leaves it to the action. */
  readonly cors: boolean | undefined;
  readonly entries: ReadonlyMap<string, TableEntry>;
  /** The path beyond the template, as received; empty or with a slash in front. */
  readonly beyond: string;
}

/** The resources of a namespace, the longest and most literal first. */
export type RouteTable = readonly Resource[];

/** Builds the table of a namespace's APIs. */
export function routeTable(apis: readonly TabledApi[]): RouteTable {
  return apis.flatMap(resourcesOf).toSorted(byPrecedence);
}

/** The resource that a path, as received and with a slash in front, asks for. */
export function match(table: RouteTable, path: string): Match | undefined {
  const raw = path.split('/').slice(1);
  const asked = segmentsOf(path);
  const found = table.find(({ segments }) => fits(segments, asked));
  if (!found) return undefined;
  const rest = raw.slice(found.segments.length);
  return { cors: found.cors, entries: found.entries, beyond: rest.join('/') === '' ? '' : `/${rest.join('/')}` };
}

/** What the API says of CORS whose base path is the longest that a path begins with, whether it has the path or not. */
export function corsBelow(table: RouteTable, path: string): boolean | undefined {
  const asked = segmentsOf(path);
  const below = table.filter(({ segments, base }) => fits(segments.slice(0, base), asked));
  return below.toSorted((a, b) => b.base - a.base)[0]?.cors;
}

function segmentsOf(path: string): string[] {
  const asked = path
    .split('/')
    .slice(1)
    .map((segment) => decodeSegment(segment) ?? segment);
  if (asked.at(-1) === '') asked.pop();
  return asked;
}

function fits(template: Resource['segments'], asked: readonly string[]): boolean {
  return (
    template.length <= asked.length && template.every((segment, at) => (segment === undefined ? asked[at] !== '' : segment === asked[at]))
  );
}

function resourcesOf({ rest, routes }: TabledApi): Resource[] {
  const steps: readonly ExactObject[] = stepsOf(rest);
  const paths = new Map<string, Map<string, TableEntry>>();
  for (const { route, version } of routes) {
    const entries = paths.get(route.path) ?? new Map<string, TableEntry>();
    entries.set(route.verb.toUpperCase(), { target: targetOf(route, steps), version });
    paths.set(route.path, entries);
  }
  const base = templateOf(rest.basePath, '').length;
  return [...paths].map(([path, entries]) => ({ segments: templateOf(rest.basePath, path), base, cors: corsOf(rest), entries }));
}

function templateOf(basePath: string, path: string): (string | undefined)[] {
  const segments = `${basePath}/${path}`.split('/').filter((segment) => segment !== '');
  return segments.map((segment) => (/^\{[^/]+\}$/.test(segment) ? undefined : (decodeSegment(segment) ?? segment)));
}

function byPrecedence(a: Resource, b: Resource): number {
  if (a.segments.length !== b.segments.length) return b.segments.length - a.segments.length;
  const at = a.segments.findIndex((segment, place) => (segment === undefined) !== (b.segments[place] === undefined));
  return at < 0 ? 0 : a.segments[at] === undefined ? 1 : -1;
}
