/** The part of an OpenAPI document that answers are held against. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly responses: Readonly<Record<string, ApiResponse>>; readonly headers: Readonly<Record<string, ApiHeader>> };
}

/** A header that an answer may bear. */
export interface ApiHeader {
  readonly $ref?: string;
  readonly required?: boolean;
}

/** One answer of an operation. */
export interface ApiResponse {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, ApiHeader>>;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

/** One operation, found by a request. */
export interface ApiOperation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, ApiResponse>>;
}

const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch']);

/** Every operation of a document. */
export function operationsOf({ paths }: ApiDocument): ApiOperation[] {
  return Object.values(paths).flatMap((item) =>
    Object.entries(item).flatMap(([key, value]) => (methods.has(key) ? [value as ApiOperation] : [])),
  );
}

/** The operation that a request is for; `method` is undefined where the path is described and the method is not. */
export function findOperation({ paths }: ApiDocument, method: string, path: string): { readonly operation?: ApiOperation } | undefined {
  // Below the API a slash at the end counts only where the document has one.
  const bare = path.startsWith('/api/v1') && path.endsWith('/') ? path.slice(0, -1) : undefined;
  const item = findPath(paths, path) ?? (bare === undefined ? undefined : findPath(paths, bare));
  if (!item) return undefined;
  const operation = item[method.toLowerCase()] as ApiOperation | undefined;
  return operation ? { operation } : {};
}

/** The path with the most fixed segments among those that match. */
function findPath(paths: ApiDocument['paths'], path: string): Readonly<Record<string, unknown>> | undefined {
  const given = path.split('/');
  const found = Object.entries(paths)
    .map(([template, item]) => ({ item, segments: template.split('/') }))
    .filter(({ item, segments }) => {
      const long = given.length === segments.length || (item['x-continues'] === true && given.length > segments.length);
      return long && segments.every((segment, i) => (segment.startsWith('{') ? given[i] !== '' : segment === given[i]));
    })
    .map((match) => ({ ...match, fixed: match.segments.filter((segment) => !segment.startsWith('{')).length }))
    .sort((a, b) => b.fixed - a.fixed);
  return found[0]?.item;
}
