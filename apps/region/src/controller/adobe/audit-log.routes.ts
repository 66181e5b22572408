import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Callers } from '#libs/auth';
import { Failure, toJsonText } from '#libs/domain';
import { failureAnswer, jsonAnswer, reportFailure, restManner, sendAnswer, toFailure, type Answer } from '#libs/http';
import { Logger } from '#libs/telemetry';

/**
 * Takes what `aio app deploy` tells of itself at its end, without which it counts as failed. It is dropped: who changed what is known here
 * from the changes themselves.
 */
@Injectable()
export class AuditLogRoutes {
  constructor(
    private readonly callers: Callers,
    private readonly logger: Logger,
  ) {}

  /** Adds the route. */
  register(fastify: FastifyInstance): void {
    fastify.all('/audit-log-api/event-post', (request, reply) => this.handle(request, reply));
  }

  private async handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    sendAnswer(
      reply,
      await this.answer(request).catch((thrown: unknown) => {
        const failure = toFailure(thrown);
        reportFailure(this.logger, failure, request.id, thrown);
        return failureAnswer(failure, restManner(request.id));
      }),
    );
  }

  private async answer({ method, headers }: FastifyRequest): Promise<Answer> {
    await this.callers.requireAny(headers);
    if (method !== 'POST') throw new Failure('no-method', { methods: 'POST' });
    return jsonAnswer(200, toJsonText({}));
  }
}
