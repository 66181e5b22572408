import { Failure } from '#libs/domain';
import { transidOf } from '#libs/http';
import type { Logger } from '#libs/telemetry';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerFailure } from '../proxy/answer.js';

/** Turns whatever a controller throws into OpenWhisk's envelope. */
@Catch()
export class FailureFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const transid = transidOf(http.getRequest<FastifyRequest>().raw.headers['x-request-id']);
    const failure = toFailure(error);
    if (failure.status >= 500) this.log.error('control request failed', { transid }, error);
    const reply = http.getResponse<FastifyReply>();
    reply.hijack();
    answerFailure(reply.raw, failure, { transid, close: false });
  }
}

function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof HttpException && error.getStatus() < 500) return new Failure('no-route', {}, { cause: error });
  return new Failure('internal', {}, { cause: error });
}
