import type { ExactJson, ExactObject } from '#libs/http';
import { readWebTarget, type WebTarget } from '../web/web-target.js';
import { casesOf, listOf, objectOf, routeId, textOf, type ApiRoute } from './api.js';
import { requestPath } from './operation.js';

/** What an operation asks for. */
export type Target =
  | {
      readonly kind: 'web-action';
      readonly web: WebTarget;
      /** Whether the action is told the path of the request. */
      readonly tellsPath: boolean;
      /** The method it is asked with; undefined for that of the request. */
      readonly method: string | undefined;
      /** Headers it is asked with, by lower-case name. */
      readonly headers: readonly (readonly [string, string])[];
    }
  /** Described, but without anything behind it. */
  | { readonly kind: 'none' }
  /** Something that is no web action. */
  | { readonly kind: 'foreign'; readonly url: string };

const webAction = /^https?:\/\/[^/?#\s]+(?:\/runtime)?\/api\/v\d\/web(\/[^?#]+)$/i;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that a document may not set: they frame the request. */
const framing = new Set(['content-length', 'transfer-encoding', 'connection', 'host']);

/**
 * What a route asks for, given the steps that its API's operations share: the `invoke` of its own case, one that all share, or what
 * `x-openwhisk` names. Only the path of the target counts: web actions are asked in this process, whatever host a document names.
 */
export function targetOf(route: ApiRoute, shared: readonly ExactObject[]): Target {
  const own = listOf((route.assembly ?? caseOf(shared, routeId(route)))?.['execute']).map(objectOf);
  const common = shared.filter((step) => !casesOf(step));
  const invoke = objectOf([...own, ...common].find((step) => step['invoke'] !== undefined)?.['invoke']);
  const whisk = objectOf(route.operation['x-openwhisk']);
  const url = textOf(invoke['target-url']) ?? textOf(whisk['url']) ?? urlOf(whisk);
  if (url === undefined || url === '') return { kind: 'none' };
  const tellsPath = url.endsWith(requestPath);
  const [, path] = webAction.exec(tellsPath ? url.slice(0, -requestPath.length) : url) ?? [];
  const web = path === undefined ? undefined : readWebTarget(path);
  if (!web) return { kind: 'foreign', url };
  const verb = textOf(invoke['verb'])?.toUpperCase() ?? 'KEEP';
  const method = /^(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS)$/.test(verb) ? verb : undefined;
  return { kind: 'web-action', web, tellsPath, method, headers: [...common, ...own].flatMap(headersOf) };
}

function caseOf(steps: readonly ExactObject[], id: string): ExactObject | undefined {
  return steps.flatMap((step) => casesOf(step) ?? []).find((one) => listOf(one['operations']).includes(id));
}

/** The URL that the parts of `x-openwhisk` stand for. */
function urlOf(whisk: ExactObject): string | undefined {
  const [namespace, action, pkg] = [whisk['namespace'], whisk['action'], whisk['package']].map(textOf);
  if (!namespace || !action) return undefined;
  return `https://localhost/api/v1/web/${[namespace, pkg || 'default', action].map(encodeURIComponent).join('/')}`;
}

/** The headers that a step sets. */
function headersOf(step: ExactObject): (readonly [string, string])[] {
  return listOf(objectOf(step['set-variable'])['actions']).flatMap((one) => {
    const { set, value } = objectOf(one);
    const name = textOf(set)
      ?.match(/^message\.headers\.(.+)$/)?.[1]
      ?.toLowerCase();
    const text = headerText(value);
    if (name === undefined || text === undefined || !headerName.test(name) || framing.has(name) || !headerValue.test(text)) return [];
    return [[name, text] as const];
  });
}

function headerText(value: ExactJson | undefined): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
