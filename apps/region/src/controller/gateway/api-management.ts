import { Injectable } from '@nestjs/common';
import { Identities, type Identity } from '#libs/auth';
import { Failure, systemNamespace, toJsonText, type ActivationResponse, type JsonText, type RunOrder } from '#libs/domain';
import {
  decodeSegment,
  emptyAnswer,
  errorAnswer,
  exactText,
  isObject,
  parseExact,
  type Answer,
  type ExactObject,
  type Manner,
} from '#libs/http';
import { checkProtected, checkRequestSize } from '../invocations/payload.js';
import { Settings } from '../settings.js';
import { transcode } from '../web/transcode.js';
import { reservedNames, webArguments } from '../web/web-arguments.js';
import { bodyOf, type WebAsk } from '../web/web-ask.js';
import type { WebTarget } from '../web/web-target.js';
import { ApiBook } from './api-book.js';
import { readCreate, readDelete, readPage, readSelection, type Arguments, type CreateRequest } from './api-request.js';
import { emptyRest, putTogether, takeApart, textOf, titleOf, type Api } from './api.js';
import { checkDocument, checkLimits } from './document-check.js';
import { routeOf } from './operation.js';

/** Whose APIs a call is about. */
type Owner = Pick<Identity, 'ns' | 'namespace'>;

/** What a call did: what it tells, and the token of its last write. */
interface Told {
  readonly body: ExactObject;
  readonly token?: string | undefined;
}

/**
 * `whisk.system/apimgmt`: creates, shows and deletes APIs as the web actions of that package do, without running any. The key of the
 * action's owner that clients send along is needed by no one and dropped.
 */
@Injectable()
export class ApiManagement {
  private readonly calls: Readonly<Record<string, (owner: Owner | undefined, given: Arguments) => Promise<Told>>> = {
    createApi: (owner, given) => this.create(known(owner, 'A valid auth key is required.'), given),
    getApi: (owner, given) => this.list(known(owner, 'Invalid authentication.'), given),
    deleteApi: (owner, given) => this.remove(known(owner, 'Invalid authentication.'), given),
  };

  constructor(
    private readonly book: ApiBook,
    private readonly identities: Identities,
    private readonly settings: Settings,
  ) {}

  /** Whether a web request is a management call. */
  serves({ namespace, pkg, name }: WebTarget): boolean {
    return namespace === systemNamespace.name && pkg === 'apimgmt' && Object.hasOwn(this.calls, name);
  }

  /** Answers a management call. What a caller did wrong is an application error, as the web actions tell it. */
  async answer(request: WebAsk, target: WebTarget, query: string, manner: Manner): Promise<Answer> {
    if (request.method === 'OPTIONS') return emptyAnswer(200);
    const identity = await this.identities.recognise(request.headers.authorization);
    const given = this.argumentsOf(request, target, query);
    const { response, token } = await this.call(target.name, identity, given);
    const headers = token === undefined ? {} : { 'x-isochrone-token': token };
    const told = transcode(response, target.extension);
    if ('error' in told) return errorAnswer(told.status, told.error, manner, headers);
    return { ...told, headers: { ...told.headers, ...headers } };
  }

  /**
   * The result of an invocation as an action, which is what the web action would have in its body. The system's own namespace acts for the one
   * that `__ow_user` names; whoever else comes to this acts for itself.
   */
  async run({ action, ns, namespace }: Pick<RunOrder, 'action' | 'ns' | 'namespace'>, args: Uint8Array): Promise<JsonText> {
    const exact = parseExact(Buffer.from(args).toString('utf8'));
    const given: Arguments = new Map(isObject(exact) ? Object.entries(exact) : []);
    try {
      const user = given.get('__ow_user');
      const isSystem = namespace === systemNamespace.name && user !== undefined;
      const owner = isSystem ? await this.identities.byNamespace(textOf(user) ?? '') : { ns, namespace };
      const told = await this.calls[action.name]?.(owner, given);
      return exactText(told?.body ?? {});
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code !== 'api-refused') throw thrown;
      return toJsonText({ error: thrown.message });
    }
  }

  private async call(
    name: string,
    owner: Owner | undefined,
    given: Arguments,
  ): Promise<{ response: ActivationResponse; token?: string | undefined }> {
    try {
      const { body, token } = (await this.calls[name]?.(owner, given)) ?? { body: {} };
      return { response: { statusCode: 0, result: exactText(described(200, body)) }, token };
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code !== 'api-refused') throw thrown;
      const error = described(thrown.status, { error: thrown.message });
      return { response: { statusCode: 1, result: exactText({ error }) } };
    }
  }

  private argumentsOf(request: WebAsk, { path }: WebTarget, query: string): Arguments {
    const body = bodyOf(request);
    checkRequestSize(request.headers['content-length'], body, this.settings.profile);
    const { method, raw } = request;
    const { members, chosen } = webArguments({ method, path, query, rawHeaders: raw.rawHeaders, body, user: undefined });
    checkProtected(false, [], chosen, reservedNames);
    return new Map([...members].map(([name, value]) => [name, parseExact(value)]));
  }

  private async create({ ns, namespace }: Owner, given: Arguments): Promise<Told> {
    const wanted = readCreate(given, namespace);
    const standing = await this.book.read(ns);
    const { api, replaces } = planOf(wanted, standing);
    checkDocument(putTogether(api));
    const others = standing.filter(({ rest }) => rest.basePath !== api.rest.basePath);
    checkLimits(others, api, this.settings.profile);
    let token = replaces.rest ? await this.book.putRest(ns, api.rest) : undefined;
    for (const route of replaces.routes) token = await this.book.putRoute(ns, route);
    const before = standing.find(({ rest }) => rest.basePath === api.rest.basePath);
    const kept = new Set(api.routes.map(({ path, verb }) => `${verb} ${path}`));
    if (before)
      token =
        (await this.book.remove(
          ns,
          before.routes.filter(({ path, verb }) => !kept.has(`${verb} ${path}`)),
        )) ?? token;
    return { body: this.view(namespace, api), token };
  }

  private async list({ ns, namespace }: Owner, given: Arguments): Promise<Told> {
    const { api } = readSelection(given);
    const { skip, limit } = readPage(given);
    const apis = (await this.book.read(ns)).filter((one) => api === undefined || isNamed(one, api));
    const page = apis.slice(skip, skip + limit);
    return { body: { apis: page.map((one) => ({ id: 'Not Used', key: 'Not Used', value: this.view(namespace, one) })) } };
  }

  private async remove({ ns }: Owner, given: Arguments): Promise<Told> {
    const { api, path, verb } = readDelete(given);
    const found = (await this.book.read(ns)).find((one) => isNamed(one, api));
    if (!found) throw undeletable(`API '${api}' does not exist.`);
    const going = found.routes.filter(
      (route) => path === undefined || (route.path === path && (verb === undefined || route.verb === verb)),
    );
    if (going.length === 0) {
      throw undeletable(`path '${path}'${verb === undefined ? '' : ` with operation '${verb}'`} does not exist in the API`);
    }
    let token = await this.book.remove(ns, going);
    if (going.length === found.routes.length) token = await this.book.removeRest(ns, found.rest);
    return { body: {}, token };
  }

  /** An API as clients see it. */
  private view(namespace: string, api: Api): ExactObject {
    return {
      namespace: 'Not Used',
      gwApiActivated: true,
      tenantId: 'Not Used',
      gwApiUrl: this.urlOf(namespace, api.rest.basePath),
      apidoc: putTogether(api),
    };
  }

  /** Where an API is reached: the same from every region, for as long as there is one under its base path. */
  private urlOf(namespace: string, basePath: string): string {
    const segments = basePath.split('/').filter((segment) => segment !== '');
    const path = [namespace, ...segments.map((segment) => decodeSegment(segment) ?? segment)].map(encodeURIComponent);
    return [this.settings.publicUrl.replace(/\/$/, ''), 'apis', ...path].join('/');
  }
}

/** What an API becomes, and which of its rows are written. An operation joins the API that stands; a document takes the place of it. */
function planOf(wanted: CreateRequest, standing: readonly Api[]): { api: Api; replaces: { rest: boolean; routes: Api['routes'] } } {
  if (wanted.kind === 'document') {
    const api = takeApart(wanted.document);
    return { api, replaces: { rest: true, routes: api.routes } };
  }
  const { operation, responseType } = wanted;
  const route = routeOf(operation, responseType);
  const before = standing.find(({ rest }) => rest.basePath === route.basePath);
  const others = before?.routes.filter(({ path, verb }) => path !== route.path || verb !== route.verb) ?? [];
  const rest = before?.rest ?? emptyRest(route.basePath, operation.apiName);
  return { api: { rest, routes: [...others, route] }, replaces: { rest: !before, routes: [route] } };
}

/** Whether an API goes by a base path, or by a name where that does not begin with a slash. */
function isNamed({ rest }: Api, name: string): boolean {
  return name.startsWith('/') ? rest.basePath === name : titleOf(rest) === name;
}

function known(owner: Owner | undefined, refusal: string): Owner {
  if (!owner) throw new Failure('api-refused', { reason: refusal });
  return owner;
}

function undeletable(reason: string): Failure {
  return new Failure('api-refused', { reason: `API deletion failure: ${reason}` });
}

function described(statusCode: number, body: ExactObject): ExactObject {
  return { statusCode, headers: { 'Content-Type': 'application/json' }, body };
}
