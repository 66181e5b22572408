import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Identities } from '#libs/auth';
import { isName, type NamespaceId } from '#libs/domain';
import {
  checkAcceptable,
  decodeSegment,
  emptyAnswer,
  failureAnswer,
  reportFailure,
  sendAnswer,
  splitTarget,
  toFailure,
  webCors,
  type Answer,
  type AnswerHeaders,
  type Manner,
} from '#libs/http';
import { Logger } from '#libs/telemetry';
import { WebActions } from '../web/web-actions.js';
import type { WebAsk } from '../web/web-ask.js';
import { joinedCors } from '../web/web-cors.js';
import { ApiBook } from './api-book.js';
import { mayAskCache } from './cache-rules.js';
import { CachedActions } from './cached-actions.js';
import { apiCors, notFound, verbMissing } from './gateway-answers.js';
import { corsBelow, match, type Match, type TableEntry } from './route-table.js';

const base = '/apis/';

/** What a request to an API is about. */
interface ApiCall {
  readonly ns: NamespaceId;
  /** Below the namespace, as received, with its slash. */
  readonly path: string;
  readonly query: string;
}

/** Serves the APIs of all namespaces: a request to one becomes a request to the web action behind it, in this process. */
@Injectable()
export class GatewayRoutes {
  constructor(
    private readonly book: ApiBook,
    private readonly identities: Identities,
    private readonly actions: WebActions,
    private readonly cached: CachedActions,
    private readonly logger: Logger,
  ) {}

  /** Adds the route `/apis/NS/BASE/PATH`. */
  register(fastify: FastifyInstance): void {
    fastify.all(`${base}*`, (request, reply) => {
      const { path, query } = splitTarget(request.raw.url ?? '');
      const [, namespace = '', rest = ''] = /^([^/]*)(.*)$/s.exec(path.slice(base.length)) ?? [];
      return this.handle(request, reply, { namespace: decodeSegment(namespace) ?? '', path: rest, query });
    });
  }

  /** Answers a request to the APIs of a namespace. `path` begins with the base path and is as received, `query` is without the `?`. */
  async handle(
    request: FastifyRequest,
    reply: FastifyReply,
    { namespace, path, query }: { readonly namespace: string; readonly path: string; readonly query: string },
  ): Promise<void> {
    let cors: AnswerHeaders = {};
    try {
      const owner = isName(namespace) ? await this.identities.byNamespace(namespace) : undefined;
      if (!owner) return sendAnswer(reply, notFound);
      const table = await this.book.table(owner.ns);
      const found = match(table, path);
      if (!found) return sendAnswer(reply, missing(request, corsBelow(table, path)));
      cors = found.cors === true ? apiCors(request.headers) : {};
      const answer = await this.answer(request, found, { ns: owner.ns, path, query });
      checkAcceptable(request.headers.accept, answer);
      sendAnswer(reply, answer);
    } catch (thrown) {
      const failure = toFailure(thrown);
      reportFailure(this.logger, failure, request.id, thrown);
      sendAnswer(reply, failureAnswer(failure, { transid: request.id, cors, pretty: true }));
    }
  }

  private async answer(request: FastifyRequest, found: Match, call: ApiCall): Promise<Answer> {
    const headers = found.cors === true ? apiCors(request.headers) : {};
    if (found.cors === true && request.method === 'OPTIONS') return emptyAnswer(200, headers);
    const entry = found.entries.get(request.method);
    if (!entry) return { ...verbMissing, headers };
    const answer = await this.ask(request, entry, call, found);
    if (!answer) return { ...notFound, headers };
    return found.cors === undefined ? answer : { ...answer, headers: { ...withoutCors(answer.headers), ...headers } };
  }

  /** Asks what stands behind an operation; undefined where nothing does. */
  private async ask(
    request: FastifyRequest,
    { target, version }: TableEntry,
    call: ApiCall,
    { cors, beyond }: Match,
  ): Promise<Answer | undefined> {
    if (target.kind !== 'web-action') return undefined;
    const web = { ...target.web, path: target.web.path + (target.tellsPath ? call.path : beyond) };
    const found = await this.actions.locate(web, call.query);
    const platform = cors === undefined && !found.custom ? webCors(request.headers['access-control-request-headers']) : {};
    const manner: Manner = { transid: request.id, cors: platform, pretty: true };
    const asked = askedOf(request, target.method, target.headers);
    const answer = mayAskCache(request.method, request.headers)
      ? await this.cached.answer({ tenant: call.ns, address: `${call.path}?${call.query}`, version }, asked, found, manner)
      : await this.actions.ask(asked, found, manner);
    return { ...answer, headers: joinedCors(platform, answer.headers) };
  }
}

/** The answer to a path that no API has; where one has its base path, a browser may read it. */
function missing({ method, headers }: FastifyRequest, cors: boolean | undefined): Answer {
  if (cors !== true) return notFound;
  return method === 'OPTIONS' ? emptyAnswer(200, apiCors(headers)) : { ...notFound, headers: apiCors(headers) };
}

/** The request as the action gets it: with the method and the headers that the API's document asks for. */
function askedOf(request: FastifyRequest, method: string | undefined, set: readonly (readonly [string, string])[]): WebAsk {
  const { id, headers, body, raw } = request;
  const names = new Set(set.map(([name]) => name));
  const kept = raw.rawHeaders.filter((_text, at) => !names.has((raw.rawHeaders[at - (at % 2)] ?? '').toLowerCase()));
  return {
    id,
    method: method ?? request.method,
    headers: { ...headers, ...Object.fromEntries(set) },
    raw: { rawHeaders: [...kept, ...set.flat()] },
    body,
  };
}

function withoutCors(headers: AnswerHeaders): AnswerHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('access-control-')));
}
