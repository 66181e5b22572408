import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Callers } from '#libs/auth';
import { Failure, type Transid } from '#libs/domain';
import {
  checkAcceptable,
  failureAnswer,
  Query,
  restCors,
  reportFailure,
  restManner,
  sendAnswer,
  splitTarget,
  textAnswer,
  toFailure,
  withHeaders,
  type Answer,
} from '#libs/http';
import { Logger } from '#libs/telemetry';
import { Features } from './features.js';
import type { Call } from './call.js';
import { checkTarget, readTarget } from './target.js';

const base = '/api/v1';

/** Serves every path below `/api/v1` but web actions, straight on Fastify: who asks, what about, and which feature answers. */
@Injectable()
export class RestRoutes {
  constructor(
    private readonly callers: Callers,
    private readonly features: Features,
    private readonly logger: Logger,
  ) {}

  /** Adds the routes. They see the path exactly as it was sent. */
  register(fastify: FastifyInstance): void {
    const handler = (request: FastifyRequest, reply: FastifyReply): Promise<void> => this.handle(request, reply);
    for (const url of [base, `${base}/*`]) fastify.all(url, handler);
  }

  /** Answers one request. */
  async handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const transid = request.id as Transid;
    try {
      const answer = await this.answer(request, transid);
      checkAcceptable(request.headers.accept, answer);
      sendAnswer(reply, withHeaders(answer, restCors));
    } catch (thrown) {
      const failure = toFailure(thrown);
      reportFailure(this.logger, failure, transid, thrown);
      sendAnswer(reply, failureAnswer(failure, restManner(transid)));
    }
  }

  private async answer(request: FastifyRequest, transid: Transid): Promise<Answer> {
    if (request.method === 'OPTIONS') return textAnswer(200, 'OK');
    const { path, query } = splitTarget(request.raw.url ?? '');
    const target = readTarget(path.slice(base.length));
    if (target.kind === 'info' && request.method === 'GET') return this.features.apiInfo();
    const identity = await this.callers.authenticate(request.headers);
    const handler = this.features.handler(request.method, target);
    if (!handler) throw new Failure('no-route');
    checkTarget(target);
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
    const call: Call = { transid, identity, target, query: new Query(query), headers: request.headers, body };
    return handler(call);
  }
}
