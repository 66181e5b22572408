import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  checkAcceptable,
  failureAnswer,
  reportFailure,
  sendAnswer,
  splitTarget,
  toFailure,
  webCors,
  type AnswerHeaders,
  type Manner,
} from '#libs/http';
import { Logger } from '#libs/telemetry';
import { RestRoutes } from '../rest/rest.routes.js';
import { WebActions } from './web-actions.js';
import { readWebTarget, type WebTarget } from './web-target.js';

const base = '/api/v1/web';
const methods = new Set(['GET', 'DELETE', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'PATCH']);

/** Serves web actions: anyone's HTTP requests become invocations in the namespace of the URL. */
@Injectable()
export class WebRoutes {
  constructor(
    private readonly rest: RestRoutes,
    private readonly actions: WebActions,
    private readonly logger: Logger,
  ) {}

  /** Adds the route. What names no web action is answered as the rest of the API is. */
  register(fastify: FastifyInstance): void {
    fastify.all(`${base}/*`, (request, reply) => {
      const { path, query } = splitTarget(request.raw.url ?? '');
      const target = methods.has(request.method) ? readWebTarget(path.slice(base.length)) : undefined;
      return target ? this.handle(request, reply, target, query) : this.rest.handle(request, reply);
    });
  }

  private async handle(request: FastifyRequest, reply: FastifyReply, target: WebTarget, query: string): Promise<void> {
    let manner: Manner = { transid: request.id, cors: {}, pretty: true };
    try {
      const found = await this.actions.find(request, target, query);
      if (!found.custom) manner = { ...manner, cors: webCors(request.headers['access-control-request-headers']) };
      const answer = await this.actions.serve(request, found, manner);
      checkAcceptable(request.headers.accept, answer);
      sendAnswer(reply, { ...answer, headers: joined(manner.cors, answer.headers) });
    } catch (thrown) {
      const failure = toFailure(thrown);
      reportFailure(this.logger, failure, request.id, thrown);
      sendAnswer(reply, failureAnswer(failure, manner));
    }
  }
}

/** An action's own CORS headers are sent beside the platform's, behind them. */
function joined(cors: AnswerHeaders, own: AnswerHeaders): AnswerHeaders {
  const both = Object.keys(cors).filter((name) => name in own && own[name] !== cors[name]);
  return { ...cors, ...own, ...Object.fromEntries(both.map((name) => [name, [cors[name] ?? '', own[name] ?? ''].flat()])) };
}
