/**
 * The forms in which callers write an address, and the one that everything behind the door goes by. A namespace host, `NS.DOMAIN`, says in its
 * name whose web actions and APIs it serves: `https://ann.example.net/api/v1/web/default/hello` is `/api/v1/web/ann/default/hello`. As on
 * OpenWhisk's vanity hosts, `/default/hello` is that too, and `/` is `/public/index.html`. The paths of Adobe's deploy service, below
 * `/runtime`, are those of the API itself. Only names that are DNS labels have a host, and since case counts in names and not in hosts, only
 * those without capitals.
 */

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const webBase = '/api/v1/web/';
const apiBase = '/apis/';

/** A path that names a package and an action of it, but not one that begins as those of the API, its gateway and the deploy service do. */
const vanity = /^\/(?!(?:api|apis|runtime)\/)[\w@.&-]+\/[^/]/;

/** What stands for every path that a namespace host does not serve: a web path that names no action. */
const nothing = '/api/v1/web';

/** Whether a namespace can have a host of its own. */
export function hasHost(namespace: string): boolean {
  return label.test(namespace);
}

/** The namespace that a Host header names, or undefined where it names none: no domain, another one, the domain itself, or more labels than one. */
export function namespaceOfHost(host: string | undefined, domain: string | undefined): string | undefined {
  if (host === undefined || domain === undefined) return undefined;
  const name = nameOf(host);
  if (!name.endsWith(`.${domain}`)) return undefined;
  const first = name.slice(0, -domain.length - 1);
  return label.test(first) ? first : undefined;
}

/**
 * The path by which a request is routed and served, from its target (path and query) and Host. A namespace host reaches that namespace's web
 * actions and APIs and nothing else. Twice is once.
 */
export function canonicalTarget(target: string, host: string | undefined, domain: string | undefined): string {
  const plain = withoutFacade(target);
  const namespace = namespaceOfHost(host, domain);
  return namespace === undefined ? plain : withNamespace(plain, namespace);
}

/**
 * Where a browser that asks the bare domain for a web action or an API is better sent: the namespace's own host, so that namespaces share
 * no cookies. Relative to the scheme. Undefined where there is nothing better.
 */
export function namespaceLocation(target: string, host: string | undefined, domain: string | undefined): string | undefined {
  if (host === undefined || domain === undefined || nameOf(host) !== domain) return undefined;
  const [, base, namespace, rest] = /^(\/api\/v1\/web|\/apis)\/([^/?#]+)(\/[^?#]+(?:\?.*)?)$/.exec(target) ?? [];
  if (base === undefined || namespace === undefined || rest === undefined || !hasHost(namespace)) return undefined;
  const port = /:\d{1,5}$/.exec(host)?.[0] ?? '';
  const own = `${namespace}.${domain}${port}`;
  const short = `${base}${rest}`;
  const same = canonicalTarget(short, own, domain) === target;
  return `//${own}${same ? short : target}`;
}

/** `/runtime/api/v1/…` is `/api/v1/…`, `/runtime` tells what the server is, and a doubled `/runtime/runtime/…` is one. */
function withoutFacade(target: string): string {
  const once = target.startsWith('/runtime/runtime/') ? target.slice('/runtime'.length) : target;
  if (/^\/runtime\/?(?:\?|$)/.test(once)) return `/${once.replace(/^[^?]*/, '')}`;
  return /^\/runtime\/(?:api\/v1(?:[/?]|$)|apis\/)/.test(once) ? once.slice('/runtime'.length) : once;
}

/** A path that names the namespace itself, as on the bare domain, is left as it is. */
function withNamespace(target: string, namespace: string): string {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  const base = [webBase, apiBase].find((each) => path.startsWith(each));
  if (base === undefined) {
    if (path === '/') return `${webBase}${namespace}/public/index.html${query}`;
    return vanity.test(path) ? `${webBase}${namespace}${path}${query}` : nothing;
  }
  const [first, ...others] = path.slice(base.length).split('/');
  const whole = first === namespace && others.length >= (base === webBase ? 2 : 1);
  return `${whole ? path : `${base}${namespace}/${path.slice(base.length)}`}${query}`;
}

/** The name in a Host header, without port and the dot at its end. */
function nameOf(host: string): string {
  return host
    .trim()
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '');
}
