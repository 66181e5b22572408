import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Identities } from '#libs/auth';
import { Failure, toJsonText, type Json } from '#libs/domain';
import { failureAnswer, jsonAnswer, restManner, sendAnswer, toFailure, type Answer } from '#libs/http';
import { Logger } from '#libs/telemetry';

/** Where logs go in the words of `aio`: with the activation's record, and nowhere else. */
const destination = 'adobe_io_runtime';

const documents: Readonly<Record<string, Json>> = {
  logForwarding: { [destination]: {} },
  'logForwarding/errors': { configured_forwarder: destination, errors: [] },
};

/**
 * Tells `aio` where a namespace's logs go, which it asks before it shows any (Adobe I/O Runtime, log forwarding). Logs stay with the
 * activation's record; other destinations cannot be set, so other methods are refused.
 */
@Injectable()
export class LogForwardingRoutes {
  constructor(
    private readonly identities: Identities,
    private readonly logger: Logger,
  ) {}

  /** Adds the routes. */
  register(fastify: FastifyInstance): void {
    for (const [part, document] of Object.entries(documents)) {
      fastify.all<{ Params: { namespace: string } }>(`/runtime/namespaces/:namespace/${part}`, (request, reply) =>
        this.handle(request, reply, document),
      );
    }
  }

  private async handle(request: FastifyRequest<{ Params: { namespace: string } }>, reply: FastifyReply, document: Json): Promise<void> {
    try {
      sendAnswer(reply, await this.answer(request, document));
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (failure.status >= 500) this.logger.error('a request failed', { transid: request.id, reason: failure.code }, thrown);
      sendAnswer(reply, failureAnswer(failure, restManner(request.id)));
    }
  }

  private async answer({ method, headers, params }: FastifyRequest<{ Params: { namespace: string } }>, document: Json): Promise<Answer> {
    const identity = await this.identities.authenticate(headers.authorization);
    if (params.namespace !== identity.namespace) throw new Failure('forbidden-resource', { resource: params.namespace });
    if (method !== 'GET') throw new Failure('no-method', { methods: 'GET' });
    return jsonAnswer(200, toJsonText(document));
  }
}
