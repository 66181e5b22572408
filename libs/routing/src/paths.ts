/** A request as far as repeating it matters. `path` may carry a query. */
export interface Repeatable {
  readonly method: string;
  readonly path: string;
  /** Whether any byte of it went out to a region. */
  readonly sent: boolean;
}

const entities = /^\/api\/v1\/namespaces\/[^/]+\/(?:actions|triggers|rules|packages|activations)(?:\/|$)/;
const activation = /^\/api\/v1\/namespaces\/[^/]+\/activations\/([0-9a-f]{2})[0-9a-f]{30}(?:\/|$)/;

/**
 * Whether a request may be given to another region after one failed: anything of which not one byte was sent; after that only GET and HEAD
 * of entities and activations. A web action is user code under any method, so it is never repeated. A path with dot segments or empty
 * segments is not trusted to mean what it seems to.
 */
export function mayRepeat({ method, path, sent }: Repeatable): boolean {
  return !sent || (isRead(method) && entities.test(pathOf(path)) && isPlain(pathOf(path)));
}

/** The code of the region that accepted the activation which a GET or HEAD asks for (record, logs or result); undefined for every other request. */
export function ownerCode(method: string, path: string): number | undefined {
  const [, code] = (isRead(method) && activation.exec(pathOf(path))) || [];
  return code === undefined ? undefined : parseInt(code, 16);
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function isPlain(path: string): boolean {
  return !/\/(?:\.|%2e){1,2}(?:\/|$)|\/\/|\\|%2f|%5c/i.test(path);
}
