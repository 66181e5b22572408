import { setTimeout as sleep } from 'node:timers/promises';
import { exactText, isObject, parseExact, type ExactJson, type ExactObject } from '#libs/http';
import { Refusal } from '../refusal.js';

/** Collections of a namespace, in OpenWhisk's words. */
export type Collection = 'packages' | 'actions' | 'triggers' | 'rules';

/** An answer that is no success, in the host's own words. */
export class HostError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const requestMs = 120_000;
/** Every OpenWhisk gives at least so many entities at once. */
const pageSize = 50;
const entitiesMax = 100_000;
/** Waits before a request that was refused for now is sent again, ms. */
const pauses = [500, 2000, 5000, 15_000, 30_000] as const;

/** One namespace of any OpenWhisk, as a client sees it through the REST API. */
export class Host {
  private constructor(
    /** Base URL without a slash at its end. */
    readonly url: string,
    private readonly authKey: string,
    /** The namespace's name. */
    readonly namespace: string,
  ) {}

  /** Connects: asks which namespace the key opens. Throws one line when the host or the key is no good. */
  static async connect(url: string, authKey: string): Promise<Host> {
    const base = withScheme(url);
    if (!/^[^:\s]+:\S+$/.test(authKey)) throw new Refusal('a key has the form uuid:key', 2);
    const probe = new Host(base, authKey, '_');
    let names: ExactJson;
    try {
      names = await probe.send('GET', '/api/v1/namespaces');
    } catch (cause) {
      if (cause instanceof HostError) throw new Refusal(`${base} does not let this key in: ${cause.message}`, 1, { cause });
      throw new Refusal(`${base} cannot be reached: ${reasonOf(cause)}`, 1, { cause });
    }
    const [name] = Array.isArray(names) ? (names as readonly ExactJson[]) : [];
    if (typeof name !== 'string') throw new Refusal(`${base} is no OpenWhisk: it does not tell the namespace of the key`);
    return new Host(base, authKey, name);
  }

  /** The uuid part of the key: the tenant's id at an API gateway. */
  get keyId(): string {
    return this.authKey.slice(0, this.authKey.indexOf(':'));
  }

  /** Everything of a collection, as it is listed. */
  async list(collection: Collection): Promise<ExactObject[]> {
    const found: ExactObject[] = [];
    for (;;) {
      const page = await this.ask('GET', `${this.path(collection)}?limit=${pageSize}&skip=${found.length}`);
      const items = Array.isArray(page) ? (page as readonly ExactJson[]).filter(isObject) : [];
      found.push(...items);
      if (items.length < pageSize) return found;
      if (found.length > entitiesMax) throw new Refusal(`${this.url} lists more than ${entitiesMax} ${collection}`);
    }
  }

  /** An entity, or undefined where there is none. `name` may be `PACKAGE/ACTION`. */
  async find(collection: Collection, name: string, namespace = '_'): Promise<ExactObject | undefined> {
    try {
      const entity = await this.ask('GET', this.path(collection, name, namespace));
      return isObject(entity) ? entity : undefined;
    } catch (cause) {
      if (cause instanceof HostError && [403, 404].includes(cause.status)) return undefined;
      throw cause;
    }
  }

  /** Creates or replaces an entity. */
  async put(collection: Collection, name: string, body: ExactObject): Promise<void> {
    await this.ask('PUT', `${this.path(collection, name)}?overwrite=true`, body);
  }

  /** Makes a rule active or inactive. */
  async setStatus(rule: string, status: 'active' | 'inactive'): Promise<void> {
    await this.ask('POST', this.path('rules', rule), { status });
  }

  /** The result of an action, invoked and waited for. */
  async invoke(namespace: string, name: string, args: ExactObject): Promise<ExactJson> {
    return this.ask('POST', `${this.path('actions', name, namespace)}?blocking=true&result=true`, args);
  }

  /** Sends a request and returns the JSON of a success; what was refused for now is sent again for a while. */
  async ask(method: string, path: string, body?: ExactObject): Promise<ExactJson> {
    for (let attempt = 0; ; attempt += 1) {
      const pause = pauses[attempt];
      try {
        return await this.send(method, path, body);
      } catch (cause) {
        const passing = cause instanceof HostError ? [429, 503].includes(cause.status) : method === 'GET' || method === 'PUT';
        if (pause === undefined || !passing) throw cause;
        await sleep(pause);
      }
    }
  }

  /** The key itself, for what the namespace does on its own behalf. */
  get auth(): string {
    return this.authKey;
  }

  private async send(method: string, path: string, body?: ExactObject): Promise<ExactJson> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(this.authKey).toString('base64')}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: exactText(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(requestMs),
    });
    const text = await response.text();
    if (response.ok) return parsed(text) ?? text;
    const answer = parsed(text);
    const told = reasonIn(answer);
    throw new HostError(response.status, told ?? `${method} ${path} was answered ${response.status}`);
  }

  private path(collection: Collection, name?: string, namespace = '_'): string {
    const parts = ['namespaces', namespace, collection, ...(name === undefined ? [] : name.split('/'))];
    return `/api/v1/${parts.map(encodeURIComponent).join('/')}`;
  }
}

/** What went wrong, in a few words. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { cause: inner } = cause;
  return inner instanceof Error && inner.message !== '' ? `${cause.message} (${inner.message})` : cause.message;
}

/** The reason in an answer: the text of its `error`, which an action's own error may bear one level down. */
function reasonIn(answer: ExactJson | undefined): string | undefined {
  const error = isObject(answer) ? answer['error'] : undefined;
  const reason = isObject(error) ? error['error'] : error;
  return typeof reason === 'string' ? reason : undefined;
}

function withScheme(url: string): string {
  const full = /^https?:\/\//.test(url) ? url : `https://${url}`;
  if (!URL.canParse(full)) throw new Refusal(`'${url}' is no host`, 2);
  return full.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
}

function parsed(text: string): ExactJson | undefined {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}
