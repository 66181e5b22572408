import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkAcceptable, failureAnswer, reportFailure, sendAnswer, splitTarget, toFailure, webCors, type Manner } from '#libs/http';
import { Logger } from '#libs/telemetry';
import { ApiManagement } from '../gateway/api-management.js';
import { RestRoutes } from '../rest/rest.routes.js';
import { WebActions } from './web-actions.js';
import { joinedCors } from './web-cors.js';
import { readWebTarget, type WebTarget } from './web-target.js';

const base = '/api/v1/web';
const methods = new Set(['GET', 'DELETE', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'PATCH']);

/** Serves web actions: anyone's HTTP requests become invocations in the namespace of the URL. */
@Injectable()
export class WebRoutes {
  constructor(
    private readonly rest: RestRoutes,
    private readonly actions: WebActions,
    private readonly apis: ApiManagement,
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
      const found = this.apis.serves(target) ? undefined : await this.actions.find(request, target, query);
      if (!found?.custom) manner = { ...manner, cors: webCors(request.headers['access-control-request-headers']) };
      const answer = await (found ? this.actions.serve(request, found, manner) : this.apis.answer(request, target, query, manner));
      checkAcceptable(request.headers.accept, answer);
      sendAnswer(reply, { ...answer, headers: joinedCors(manner.cors, answer.headers) });
    } catch (thrown) {
      const failure = toFailure(thrown);
      reportFailure(this.logger, failure, request.id, thrown);
      sendAnswer(reply, failureAnswer(failure, manner));
    }
  }
}
