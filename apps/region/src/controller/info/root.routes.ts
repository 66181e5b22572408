import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '#libs/domain';
import { emptyAnswer, failureAnswer, restManner, rootCors, sendAnswer, textAnswer, withHeaders, type Answer } from '#libs/http';
import { Info } from './info.js';

/** Serves `/` and `/ping`: no key is asked for, and other methods are named in the refusal. */
@Injectable()
export class RootRoutes {
  constructor(private readonly info: Info) {}

  /** Adds the routes. */
  register(fastify: FastifyInstance): void {
    const serve = (url: string, get: () => Answer): void => {
      fastify.all(url, (request: FastifyRequest, reply: FastifyReply) => sendAnswer(reply, rootAnswer(request, get)));
    };
    serve('/', () => this.info.server());
    serve('/ping', () => textAnswer(200, 'pong'));
  }
}

/** The answer to any method on a path outside `/api/v1` that is there to be read. */
export function rootAnswer(request: FastifyRequest, get: () => Answer): Answer {
  if (request.method === 'GET') return get();
  if (request.method === 'OPTIONS') return withHeaders(textAnswer(200, 'OK'), rootCors);
  const refusal = failureAnswer(new Failure('no-method', { methods: 'GET, OPTIONS' }), restManner(request.id));
  return request.method === 'HEAD' ? { ...emptyAnswer(405, refusal.headers), type: refusal.type ?? '' } : refusal;
}
