import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sameSecret } from '#libs/auth';
import { actionsAddress, Failure, toJsonText, type Json } from '#libs/domain';
import { failureAnswer, jsonAnswer, restManner, rootCors, sendAnswer, textAnswer, toFailure, withHeaders, type Answer } from '#libs/http';
import { Logger } from '#libs/telemetry';
import { Dispatcher } from '../../kafka/dispatch/dispatcher.js';
import { Lifecycle } from '../lifecycle.js';
import { Settings } from '../settings.js';
import { invokerStates, readinessOf } from './invoker-health.js';

/**
 * What operators of OpenWhisk ask of one controller (REST reference §1.2): its invokers, what it has running, and that it be sent no more.
 * All but the last are told to anyone, so they are only there where that is wanted.
 */
@Injectable()
export class OperatorRoutes {
  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly lifecycle: Lifecycle,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  /** Adds the routes, where they are enabled. */
  register(fastify: FastifyInstance): void {
    if (!this.settings.operator.enabled) return;
    const told = (body: Json, status = 200): Answer => jsonAnswer(status, toJsonText(body));
    const reads: Readonly<Record<string, () => Answer>> = {
      '/invokers': () => told(invokerStates(this.dispatcher.status)),
      '/invokers/healthy/count': () => told(readinessOf(this.dispatcher.status).healthy),
      '/invokers/ready': () => {
        const { ready, healthy, all } = readinessOf(this.dispatcher.status);
        return ready ? told({ healthy: `${healthy}/${all}` }) : told({ unhealthy: `${all - healthy}/${all}` }, 500);
      },
      '/activation': () => told(this.dispatcher.running.map(({ id, action }) => [id, action])),
      '/activation/count': () => told(this.dispatcher.running.length),
    };
    for (const [path, read] of Object.entries(reads)) this.serve(fastify, path, 'GET', read);
    this.serve(fastify, '/invokers/', 'GET', reads['/invokers'] as () => Answer);
    this.serve(fastify, '/activation/', 'GET', reads['/activation'] as () => Answer);
    this.serve(fastify, '/disable', 'POST', (request) => this.disable(request));
  }

  private serve(fastify: FastifyInstance, path: string, method: string, answer: (request: FastifyRequest) => Answer): void {
    fastify.all(path, (request: FastifyRequest, reply: FastifyReply) => {
      try {
        if (request.method === 'OPTIONS') return sendAnswer(reply, withHeaders(textAnswer(200, 'OK'), rootCors));
        const action = request.socket.remoteAddress === actionsAddress;
        if (action || request.method !== method) throw new Failure('no-method', { methods: 'OPTIONS' });
        sendAnswer(reply, withHeaders(answer(request), rootCors));
      } catch (thrown) {
        sendAnswer(reply, failureAnswer(toFailure(thrown), { ...restManner(request.id), cors: rootCors }));
      }
    });
  }

  /** Without credentials in the configuration nobody has the right ones. */
  private disable(request: FastifyRequest): Answer {
    const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (encoded === undefined) throw new Failure('web-auth');
    const { credentials } = this.settings.operator;
    if (credentials === undefined || !sameSecret(credentials, Buffer.from(encoded, 'base64').toString('utf8'))) {
      throw new Failure('controller-auth');
    }
    this.lifecycle.disable();
    this.logger.warn('controller is disabled', { transid: request.id });
    return textAnswer(200, 'controller is disabled');
  }
}
