import { Failure, type LimitProfile } from '#libs/domain';
import { exactText, isObject, type ExactJson, type ExactObject } from '#libs/http';
import { casesOf, isVerb, listOf, objectOf, putTogether, stepsOf, takeApart, textOf, verbs, type Api } from './api.js';
import { requestPath } from './operation.js';
import { targetOf } from './target.js';

/** A template segment, as `wsk` recognises one. */
const parameter = /\/\{[^/]+\}(?:\/|$)/;

/** A segment that clients resolve before they send a path, so that none with it can be asked for. */
const dots = /^(?:\.|%2e){1,2}$/i;

/** Longest base path and path together, as they stand in the key of a row. */
const pathCharsMax = 750;

/** What no path may contain: a quote, control characters, halves of characters. */
const illegal = /['\p{Cc}\p{Cs}]/u;

/** Throws, with OpenWhisk's texts, where a document cannot become an API. */
export function checkDocument(swagger: ExactObject): void {
  const basePath = textOf(swagger['basePath']) ?? '';
  if (/[{}]/.test(basePath)) {
    throw refused(`The base path (${basePath}) cannot have parameters. Only the relative path supports path parameters.`);
  }
  const paths = Object.entries(objectOf(swagger['paths']));
  const targets = targetUrls(swagger);
  for (const [path, item] of paths) if (parameter.test(path)) checkParameters(path, objectOf(item), targets);
  const [character] = illegal.exec(basePath) ?? [];
  if (character !== undefined) throw unconfigured(`basePath contains illegal character ${JSON.stringify(character)}.`);
  if (!basePath.startsWith('/')) throw unconfigured("basePath must begin with '/'.");
  if (hasDots(basePath)) throw refused(`The base path (${basePath}) cannot have '.' or '..' as a segment.`);
  if (paths.length === 0) throw unconfigured('Empty resources object.');
  for (const [path, item] of paths) checkPath(basePath, path, item);
  checkTargets(swagger);
}

/** Throws where an API is too large, or would make too much of those that its namespace has. */
export function checkLimits(others: readonly Api[], api: Api, { apiRoutes, apiBytes, apisBytes }: LimitProfile): void {
  const routes = [...others, api].reduce((sum, one) => sum + one.routes.length, 0);
  if (routes > apiRoutes) throw refused(`The APIs of the namespace would have more operations than allowed: ${routes} > ${apiRoutes}.`);
  const bytes = bytesOf(api);
  if (bytes > apiBytes) throw refused(`The API would be larger than allowed: ${bytes} > ${apiBytes} bytes.`);
  const all = others.reduce((sum, one) => sum + bytesOf(one), bytes);
  if (all > apisBytes) throw refused(`The APIs of the namespace would be larger than allowed: ${all} > ${apisBytes} bytes.`);
}

function bytesOf(api: Api): number {
  return Buffer.byteLength(exactText(putTogether(api)));
}

/** The failure of a creation, with its reason. */
function refused(reason: string): Failure {
  return new Failure('api-refused', { reason: `API creation failure: ${reason}` });
}

/** Every parameter of a path must be declared, and its action must be told the path. */
function checkParameters(path: string, item: ExactObject, targets: ReadonlyMap<string, string>): void {
  const shared = listOf(item['parameters']);
  for (const [verb, value] of Object.entries(item)) {
    if (!isVerb(verb)) continue;
    const operation = objectOf(value);
    const url = textOf(objectOf(operation['x-openwhisk'])['url']);
    if (url !== undefined && url !== '' && !url.endsWith('.http')) {
      throw refused("The action must use a response type of '.http' in order to receive the path parameters.");
    }
    const id = textOf(operation['operationId']) ?? '';
    const target = targets.get(id);
    if (target !== undefined && !target.endsWith(`.http${requestPath}`)) {
      throw refused(
        `The target-url for operationId '${id}' must end in '${requestPath}' in order for actions to receive the path parameters.`,
      );
    }
    const declared = new Set([...shared, ...listOf(operation['parameters'])].map((one) => objectOf(one)['name']));
    for (const [, name = ''] of path.matchAll(/\{([^/]+)\}/g)) {
      if (declared.has(name)) continue;
      throw refused(
        `The parameter '${name}' defined in path '${path}' does not match any of the parameters defined for the path in the swagger file.`,
      );
    }
  }
}

function hasDots(path: string): boolean {
  return path.split('/').some((segment) => dots.test(segment));
}

function checkPath(basePath: string, path: string, item: ExactJson): void {
  const [character] = illegal.exec(path) ?? [];
  if (character !== undefined) throw unconfigured(`resource path contains illegal character ${JSON.stringify(character)}.`);
  if (!path.startsWith('/')) throw unconfigured("Resource path must begin with '/'.");
  if (hasDots(path)) throw refused(`The path (${path}) cannot have '.' or '..' as a segment.`);
  const chars = JSON.stringify([basePath, path]).length;
  if (chars > pathCharsMax) throw unconfigured(`Base path and path are longer than allowed: ${chars} > ${pathCharsMax}.`);
  const operations = Object.entries(objectOf(item)).filter(([member]) => isVerb(member));
  if (operations.length === 0) throw unconfigured("Missing or empty field 'operations' or in resource path object.");
  for (const [verb, operation] of operations) {
    if (!verbs.has(verb.toLowerCase())) throw unconfigured(`Resource verb '${verb}' not supported.`);
    if (!isObject(operation)) throw unconfigured(`Resource verb '${verb}' is not an object.`);
  }
}

/** Where an operation has a target, that is a web action of this platform: the gateway calls nothing else. */
function checkTargets(swagger: ExactObject): void {
  const { rest, routes } = takeApart(swagger);
  const steps = stepsOf(rest);
  for (const route of routes) {
    const found = targetOf(route, steps);
    if (found.kind !== 'foreign') continue;
    throw unconfigured(`The target '${found.url}' of '${route.verb} ${route.path}' is not the URL of a web action.`);
  }
}

/** The target by operation id, of the steps that name one first. */
function targetUrls(swagger: ExactObject): ReadonlyMap<string, string> {
  const cases = stepsOf({ basePath: '', document: swagger }).flatMap((step) => casesOf(step) ?? []);
  return new Map(
    cases.flatMap((one) => {
      const url = textOf(objectOf(objectOf(listOf(one['execute'])[0])['invoke'])['target-url']);
      return url === undefined ? [] : listOf(one['operations']).flatMap((id) => (typeof id === 'string' ? [[id, url] as const] : []));
    }),
  );
}

/** In the words of the gateway that OpenWhisk has behind its management actions. */
function unconfigured(message: string): Failure {
  const told = exactText({ status: 400, message: `Error: ${message}` });
  return refused(`Unable to configure the API Gateway (status code 400): ${told}`);
}
