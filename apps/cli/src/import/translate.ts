import { exactText, isObject, type ExactJson, type ExactObject } from '#libs/http';

/** How entities of one namespace become those of another. */
export interface Translation {
  /** Names of the two namespaces. */
  readonly from: string;
  readonly to: string;
  /** Kinds that are taken for others, such as `nodejs:18` for `nodejs:20`. */
  readonly kinds: ReadonlyMap<string, string>;
}

/** Annotations that the server of an action writes by itself. */
const serversOwn = new Set(['exec', 'binding']);

/** The body by which a package is created, or a binding: that one without what it has from the package it names. */
export function packagePut(entity: ExactObject, translation: Translation, provider?: ExactObject): ExactObject {
  const { binding } = entity;
  const bound = isObject(binding) && typeof binding['name'] === 'string' ? binding : undefined;
  return {
    ...common(entity),
    parameters: without(entity['parameters'], provider?.['parameters']),
    ...(bound && { binding: { namespace: renamed(words(bound['namespace']), translation), name: bound['name'] ?? null } }),
  };
}

/** Whether a package is a binding, and of which package; `namespace` is there in full. */
export function bindingOf(entity: ExactObject): { readonly namespace: string; readonly name: string } | undefined {
  const { binding } = entity;
  if (!isObject(binding)) return undefined;
  const { namespace, name } = binding;
  return typeof namespace === 'string' && typeof name === 'string' ? { namespace, name } : undefined;
}

/** The body by which an action is created, without the parameters that it has from its package, and a sequence without those that the server gives it. */
export function actionPut(entity: ExactObject, translation: Translation, pkg?: ExactObject): ExactObject {
  const exec = isObject(entity['exec']) ? entity['exec'] : {};
  return {
    ...common(entity),
    exec: execPut(exec, translation),
    parameters: without(entity['parameters'], pkg?.['parameters']).filter(({ key }) => exec['kind'] !== 'sequence' || key !== '_actions'),
    limits: entity['limits'] ?? {},
  };
}

/** The body by which a trigger is created. */
export function triggerPut(entity: ExactObject): ExactObject {
  return { ...common(entity), parameters: entity['parameters'] ?? [] };
}

/** The body by which a rule is created. */
export function rulePut(entity: ExactObject, translation: Translation): ExactObject {
  return { ...common(entity), trigger: reference(entity['trigger'], translation), action: reference(entity['action'], translation) };
}

/** An API as it is created anew: every mention of the old host and namespace is one of the new. */
export function apiPut(
  document: ExactObject,
  translation: Translation,
  hosts: { readonly from: string; readonly to: string },
): ExactObject {
  const swap = (text: string): string =>
    text.replaceAll(hosts.from, hosts.to).replaceAll(`/api/v1/web/${translation.from}/`, `/api/v1/web/${translation.to}/`);
  return walk(document, (key, value) => {
    if (typeof value !== 'string') return value;
    return key === 'namespace' ? renamed(value, translation) : swap(value);
  }) as ExactObject;
}

/** Whether two bodies create the same, whatever the order of members and of parameters. */
export function sameEntity(a: ExactObject, b: ExactObject): boolean {
  return exactText(canonical(a)) === exactText(canonical(b));
}

/** The name of an entity below its namespace, as it stands in a list: `PACKAGE/ACTION` or a name alone. */
export function nameIn(entity: ExactObject): string {
  const [, pkg] = words(entity['namespace']).split('/');
  return pkg === undefined ? words(entity['name']) : `${pkg}/${words(entity['name'])}`;
}

function common(entity: ExactObject): ExactObject {
  const annotations = listOf(entity['annotations']).filter(
    ({ key, value }) => !serversOwn.has(words(key)) && !(key === 'provide-api-key' && value === false),
  );
  return { version: entity['version'] ?? '0.0.1', publish: entity['publish'] ?? false, annotations };
}

function execPut(exec: ExactObject, translation: Translation): ExactObject {
  const kind = words(exec['kind']);
  if (kind === 'sequence') {
    const components = Array.isArray(exec['components']) ? (exec['components'] as readonly ExactJson[]) : [];
    return { kind, components: components.map((component) => qualified(words(component), translation)) };
  }
  const { code, image, main } = exec;
  return {
    kind: translation.kinds.get(kind) ?? kind,
    ...(code !== undefined && { code }),
    ...(image !== undefined && { image }),
    ...(main !== undefined && { main }),
  };
}

/** What a rule refers to: an object `{path, name}` as it is told, or a name as it was asked for. */
function reference(value: ExactJson | undefined, translation: Translation): string {
  if (isObject(value)) return qualified(`/${words(value['path'])}/${words(value['name'])}`, translation);
  return qualified(words(value), translation);
}

function qualified(name: string, translation: Translation): string {
  const [first = '', ...rest] = name.replace(/^\//, '').split('/');
  return `/${[renamed(first, translation), ...rest].join('/')}`;
}

function renamed(namespace: string, { from, to }: Translation): string {
  return namespace === from || namespace === '_' ? to : namespace;
}

/** Parameters but those that `inherited` gives with the same value. */
function without(own: ExactJson | undefined, inherited: ExactJson | undefined): ExactObject[] {
  const known = new Map(listOf(inherited).map((each) => [words(each['key']), exactText(each['value'] ?? null)]));
  return listOf(own).filter((each) => known.get(words(each['key'])) !== exactText(each['value'] ?? null));
}

function listOf(value: ExactJson | undefined): ExactObject[] {
  return Array.isArray(value) ? (value as readonly ExactJson[]).filter(isObject) : [];
}

function walk(value: ExactJson, change: (key: string | undefined, value: ExactJson) => ExactJson, key?: string): ExactJson {
  if (Array.isArray(value)) return (value as readonly ExactJson[]).map((item) => walk(item, change));
  if (!isObject(value)) return change(key, value);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walk(member, change, name)]));
}

/** Members in the order of their names, lists of `{key, …}` in that of their keys. */
function canonical(value: ExactJson): ExactJson {
  if (Array.isArray(value)) {
    const items = (value as readonly ExactJson[]).map(canonical);
    const keyed = items.every((item) => isObject(item) && typeof item['key'] === 'string');
    const keyOf = (item: ExactJson): string => (isObject(item) ? words(item['key']) : '');
    return keyed ? items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) : items;
  }
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, canonical(value[name] ?? null)]));
}

/** A text, or nothing where a value is none. */
export function words(value: ExactJson | undefined): string {
  return typeof value === 'string' ? value : '';
}
