import { isObject, type ExactJson, type ExactObject } from '#libs/http';
import { operationId } from './operation-id.js';

/** One operation of an API: the unit that is stored and replicates. */
export interface ApiRoute {
  readonly basePath: string;
  /** Below the base path, as it stands in the document; `{name}` segments are parameters. */
  readonly path: string;
  /** Lower case. */
  readonly verb: string;
  /** The operation as it stands in the document. */
  readonly operation: ExactObject;
  /** What the assembly says of this operation alone, where it does. It may hold secrets. */
  readonly assembly?: ExactObject;
}

/** What an API's document says beside its operations: title, CORS and the rest of the assembly, which may hold secrets. */
export interface ApiRest {
  readonly basePath: string;
  readonly document: ExactObject;
}

/** An API: a swagger document taken apart. */
export interface Api {
  readonly rest: ApiRest;
  readonly routes: readonly ApiRoute[];
}

/** The verbs that a path may have. */
export const verbs: ReadonlySet<string> = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options']);

const configuration = 'x-ibm-configuration';

/** The document of an API of which only the base path and a name are known. */
export function emptyRest(basePath: string, name = basePath): ApiRest {
  const document = {
    swagger: '2.0',
    info: { title: name, version: '1.0.0' },
    basePath,
    paths: {},
    [configuration]: { assembly: {}, cors: { enabled: true } },
  };
  return { basePath, document };
}

/** The name of an API. */
export function titleOf({ document }: ApiRest): string | undefined {
  return textOf(objectOf(document['info'])['title']);
}

/** What a document says of CORS: whether the gateway sees to it, or undefined where it leaves that to the actions. */
export function corsOf({ document }: ApiRest): boolean | undefined {
  const enabled = objectOf(objectOf(document[configuration])['cors'])['enabled'];
  return typeof enabled === 'boolean' ? enabled : undefined;
}

/** The steps of a document's assembly, in their order. */
export function stepsOf({ document }: ApiRest): readonly ExactObject[] {
  return listOf(objectOf(objectOf(document[configuration])['assembly'])['execute']).map(objectOf);
}

/** Takes a swagger document apart. Each operation takes with it what the assembly says of it alone. */
export function takeApart(swagger: ExactObject): Api {
  const basePath = textOf(swagger['basePath']) ?? '';
  const paths = Object.entries(objectOf(swagger['paths'])).map(([path, item]) => ({ path, members: Object.entries(objectOf(item)) }));
  const operations = paths.flatMap(({ path, members }) =>
    members
      .filter(([verb]) => isVerb(verb))
      .map(([verb, operation]) => ({ path, verb: verb.toLowerCase(), operation: objectOf(operation) })),
  );
  const ids = operations.map(({ operation }) => operation['operationId']);
  const { assemblies, rest } = takeCases(stepsOf({ basePath, document: swagger }), (id) => ids.filter((one) => one === id).length === 1);
  const left = paths.map(({ path, members }) => [path, Object.fromEntries(members.filter(([verb]) => !isVerb(verb)))] as const);
  const kept = left.filter(([, item]) => Object.keys(item).length > 0);
  const document = withSteps({ ...swagger, paths: Object.fromEntries(kept) }, rest);
  const routes = operations.map((route) => {
    const assembly = assemblies.get(textOf(route.operation['operationId']) ?? '');
    return { basePath, ...route, ...(assembly && { assembly }) };
  });
  return { rest: { basePath, document }, routes };
}

/** Undoes `takeApart`. What the assembly says of operations that are gone is left out. */
export function putTogether({ rest, routes }: Api): ExactObject {
  const described = objectOf(rest.document['paths']);
  const items = new Map<string, ExactObject>();
  for (const { path, verb, operation } of routes) {
    const item = items.get(path) ?? (Object.hasOwn(described, path) ? objectOf(described[path]) : {});
    items.set(path, { ...item, [verb]: operation });
  }
  const paths = Object.fromEntries(items);
  const live = new Set(routes.filter(({ assembly }) => !assembly).map(({ operation }) => operation['operationId']));
  const cases = routes.flatMap(({ assembly }) => (assembly ? [assembly] : []));
  const steps = stepsOf(rest);
  const at = steps.findIndex((step) => casesOf(step) !== undefined);
  if (at < 0) return withSteps({ ...rest.document, paths }, cases.length > 0 ? [...steps, switchOf({}, cases)] : steps);
  const shared = (casesOf(steps[at]) ?? []).flatMap((one) => {
    const operations = listOf(one['operations']).filter((id) => live.has(id));
    return operations.length > 0 ? [{ ...one, operations }] : [];
  });
  return withSteps({ ...rest.document, paths }, steps.with(at, switchOf(steps[at] ?? {}, [...shared, ...cases])));
}

/** The cases of a step that switches on the operation; undefined for any other step. */
export function casesOf(step: ExactObject | undefined): readonly ExactObject[] | undefined {
  const cases = objectOf(step?.['operation-switch'])['case'];
  return Array.isArray(cases) ? listOf(cases).map(objectOf) : undefined;
}

/** A new route's id. */
export function routeId({ verb, path, operation }: Pick<ApiRoute, 'verb' | 'path' | 'operation'>): string {
  return textOf(operation['operationId']) ?? operationId(verb, path);
}

/** The value where it is an object, else one without members. */
export function objectOf(value: ExactJson | undefined): ExactObject {
  return isObject(value) ? value : {};
}

/** The value where it is a list, else one without items. */
export function listOf(value: ExactJson | undefined): readonly ExactJson[] {
  return Array.isArray(value) ? (value as readonly ExactJson[]) : [];
}

/** The value where it is a text. */
export function textOf(value: ExactJson | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Whether a member of a path is an operation: what OpenAPI lets stand beside them is not. */
export function isVerb(member: string): boolean {
  return member !== 'parameters' && !member.startsWith('x-');
}

function takeCases(
  steps: readonly ExactObject[],
  isUnique: (id: ExactJson | undefined) => boolean,
): { assemblies: ReadonlyMap<string, ExactObject>; rest: readonly ExactObject[] } {
  const at = steps.findIndex((step) => casesOf(step) !== undefined);
  const assemblies = new Map<string, ExactObject>();
  if (at < 0) return { assemblies, rest: steps };
  const shared = (casesOf(steps[at]) ?? []).filter((one) => {
    const [id, ...others] = listOf(one['operations']);
    if (typeof id !== 'string' || others.length > 0 || !isUnique(id) || assemblies.has(id)) return true;
    assemblies.set(id, one);
    return false;
  });
  return { assemblies, rest: steps.with(at, switchOf(steps[at] ?? {}, shared)) };
}

function switchOf(step: ExactObject, cases: readonly ExactObject[]): ExactObject {
  return { ...step, 'operation-switch': { ...objectOf(step['operation-switch']), case: cases } };
}

/** The document with other steps in its assembly; without steps its assembly stays as it is. */
function withSteps(document: ExactObject, steps: readonly ExactObject[]): ExactObject {
  const config = objectOf(document[configuration]);
  const assembly = objectOf(config['assembly']);
  if (steps.length === 0 && assembly['execute'] === undefined) return document;
  return { ...document, [configuration]: { ...config, assembly: { ...assembly, execute: steps } } };
}
