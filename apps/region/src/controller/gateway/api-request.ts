import { Failure } from '#libs/domain';
import { isObject, parseExact, type ExactJson, type ExactObject } from '#libs/http';
import { objectOf, textOf } from './api.js';
import type { OperationRequest } from './operation.js';

/** The arguments of a management call, by name. */
export type Arguments = ReadonlyMap<string, ExactJson>;

/** What a caller wants to create: one operation, or a whole API by its document. */
export type CreateRequest =
  | { readonly kind: 'operation'; readonly operation: OperationRequest; readonly responseType: string }
  | { readonly kind: 'document'; readonly document: ExactObject };

/** What a caller selects: an API by its base path or name, a path of it, one operation of that. */
export interface Selection {
  readonly api: string | undefined;
  readonly path: string | undefined;
  readonly verb: string | undefined;
}

const responseTypes = new Set(['http', 'json', 'html', 'svg', 'text']);

/** Reads a creation; throws OpenWhisk's text for the first that is missing. `_` stands for the namespace of the caller. */
export function readCreate(given: Arguments, namespace: string): CreateRequest {
  const apidoc = readEither(given.get('apidoc'), 'apidoc', 'apidoc is required.', (type) => {
    return `apidoc field is of type ${type} and should be a JSON object or a JSON string.`;
  });
  requireText(apidoc, ['namespace'], (field) => `apidoc is missing the ${field} field`);
  if (isGiven(apidoc['swagger'])) return { kind: 'document', document: readDocument(apidoc) };
  requireText(apidoc, ['gatewayBasePath', 'gatewayPath', 'gatewayMethod'], (field) => `apidoc is missing the ${field} field`);
  if (!isGiven(apidoc['action'])) throw refused('apidoc is missing the action field.');
  const action = objectOf(apidoc['action']);
  requireText(action, ['backendMethod', 'backendUrl', 'namespace', 'name', 'authkey'], (field) => `action is missing the ${field} field.`);
  const text = (from: ExactObject, field: string): string => textOf(from[field]) ?? '';
  const operation: OperationRequest = {
    basePath: text(apidoc, 'gatewayBasePath'),
    path: text(apidoc, 'gatewayPath'),
    verb: text(apidoc, 'gatewayMethod'),
    apiName: textOf(apidoc['apiName']) || undefined,
    pathParameters: apidoc['pathParameters'],
    action: text(action, 'name'),
    namespace: text(action, 'namespace') === '_' ? namespace : text(action, 'namespace'),
    backendUrl: text(action, 'backendUrl'),
    secureKey: isGiven(action['secureKey']) ? action['secureKey'] : undefined,
  };
  return { kind: 'operation', operation, responseType: readResponseType(given) };
}

/** Reads what to list. */
export function readSelection(given: Arguments): Selection {
  return { api: word(given, 'basepath'), path: word(given, 'relpath'), verb: word(given, 'operation')?.toLowerCase() };
}

/** Reads what to delete. */
export function readDelete(given: Arguments): Selection & { readonly api: string } {
  const { api, path, verb } = readSelection(given);
  if (api === undefined) throw refused('basepath is required.');
  if (path === undefined && verb !== undefined) throw refused('When specifying an operation, the path is required.');
  return { api, path, verb };
}

/** The part of a list that is wanted; without a limit, all of it. */
export function readPage(given: Arguments): { readonly skip: number; readonly limit: number } {
  return { skip: count(word(given, 'skip')) ?? 0, limit: count(word(given, 'limit')) || Infinity };
}

/** An argument as text. Some clients send the word `undefined` for what they do not mean to send. */
function word(given: Arguments, name: string): string | undefined {
  const value = given.get(name);
  const text = typeof value === 'number' ? String(value) : textOf(value);
  return text === undefined || text === '' || text === 'undefined' ? undefined : text;
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function readResponseType(given: Arguments): string {
  const type = word(given, 'responsetype') ?? 'json';
  if (responseTypes.has(type)) return type;
  throw refused(`API creation failure: '${type}' is not a response type of web actions.`);
}

function readDocument(apidoc: ExactObject): ExactObject {
  if (isGiven(apidoc['gatewayBasePath'])) {
    throw refused('swagger and gatewayBasePath are mutually exclusive and cannot be specified together.');
  }
  const document = readEither(apidoc['swagger'], 'swagger', 'swagger is required.', (type) => {
    return `swagger field is ${type} and should be an object or a JSON string.`;
  });
  for (const field of ['basePath', 'paths', 'info']) {
    if (!isGiven(document[field])) throw refused(`swagger is missing the ${field} field.`);
  }
  if (textOf(document['basePath']) === undefined) throw refused('swagger is missing the basePath field.');
  return document;
}

/** An object that is given as such or as its JSON text. */
function readEither(value: ExactJson | undefined, field: string, missing: string, mistyped: (type: string) => string): ExactObject {
  if (!isGiven(value)) throw refused(missing);
  if (typeof value === 'string') return objectOf(parse(value, field));
  if (typeof value === 'object') return objectOf(value);
  throw refused(mistyped(typeof value));
}

function parse(text: string, field: string): ExactJson {
  try {
    return parseExact(text);
  } catch (cause) {
    throw new Failure('api-refused', { reason: `${field} field cannot be parsed. Ensure it is valid JSON.` }, { cause });
  }
}

function requireText(from: ExactObject, fields: readonly string[], missing: (field: string) => string): void {
  for (const field of fields) if (!textOf(from[field])) throw refused(missing(field));
}

/** Whether a value counts as there: nothing, `false`, 0 and an empty text do not. */
function isGiven(value: ExactJson | undefined): value is ExactJson {
  return isObject(value) || Boolean(value);
}

function refused(reason: string): Failure {
  return new Failure('api-refused', { reason });
}
