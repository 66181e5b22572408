import { invariant, spaces, type EntityKey, type EntityRow, type JsonText, type NamespaceId } from '#libs/domain';
import { exactText, parseExact, type ExactObject } from '#libs/http';
import { objectOf, textOf, type ApiRest, type ApiRoute } from './api.js';

/** The part of a document that may hold secrets. */
const secretMember = 'x-ibm-configuration';

/** What is stored of a route or of the rest of a document: text that anyone may read, and text that is encrypted. */
export interface Stored {
  readonly doc: JsonText;
  readonly secret: JsonText | undefined;
}

/** Where a route stands. */
export function routeKey(ns: NamespaceId, { basePath, path, verb }: Pick<ApiRoute, 'basePath' | 'path' | 'verb'>): EntityKey {
  return { space: spaces.apiRoute, ns, path: JSON.stringify([basePath, path, verb]) };
}

/** Where the rest of an API's document stands. */
export function restKey(ns: NamespaceId, basePath: string): EntityKey {
  return { space: spaces.apiDocument, ns, path: basePath };
}

/** A route as it is stored. */
export function encodeRoute({ basePath, path, verb, operation, assembly }: ApiRoute): Stored {
  return { doc: exactText({ basePath, path, verb, operation }), secret: assembly && exactText(assembly) };
}

/** The rest of a document as it is stored. */
export function encodeRest({ document }: ApiRest): Stored {
  const { [secretMember]: secret, ...doc } = document;
  return { doc: exactText(doc), secret: secret === undefined ? undefined : exactText(secret) };
}

/** Undoes `encodeRoute`. */
export function decodeRoute(row: EntityRow, secret: string | undefined): ApiRoute {
  const { basePath, path, verb, operation } = docOf(row);
  const texts = [basePath, path, verb].map(textOf);
  invariant(
    texts.every((text) => text !== undefined),
    'a route has a base path, a path and a verb',
  );
  const [base = '', rel = '', method = ''] = texts;
  const assembly = secret === undefined ? undefined : objectOf(parseExact(secret));
  return { basePath: base, path: rel, verb: method, operation: objectOf(operation), ...(assembly && { assembly }) };
}

/** Undoes `encodeRest`. */
export function decodeRest(row: EntityRow, secret: string | undefined): ApiRest {
  const document = docOf(row);
  return { basePath: row.path, document: secret === undefined ? document : { ...document, [secretMember]: parseExact(secret) } };
}

function docOf(row: EntityRow): ExactObject {
  return objectOf(parseExact(row.doc ?? '{}'));
}
