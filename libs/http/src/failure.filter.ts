import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { Failure } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendAnswer, textAnswer } from './answer.js';
import { failureAnswer, reportFailure, restManner, toFailure } from './failure-answer.js';

/** Answers whatever escapes a Nest controller or Fastify itself, in OpenWhisk's envelope. A path nobody serves has no method but OPTIONS. */
@Catch()
export class FailureFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent) return;
    if (statusOf(thrown) === 413) {
      reply.removeHeader('x-request-id');
      sendAnswer(reply, { ...textAnswer(400, 'Request too large'), headers: { connection: 'close' } });
      return;
    }
    const failure = readThrown(thrown);
    reportFailure(this.logger, failure, request.id, thrown);
    sendAnswer(reply, failureAnswer(failure, { ...restManner(request.id), cors: {} }));
  }
}

function readThrown(thrown: unknown): Failure {
  const status = statusOf(thrown);
  if (status === 404) return new Failure('no-method', { methods: 'OPTIONS' });
  if (status !== undefined && status >= 400 && status < 500) {
    const reason = thrown instanceof Error ? thrown.message : 'The request could not be read.';
    return new Failure('bad-request', { reason }, { cause: thrown });
  }
  return toFailure(thrown);
}

/** The status that a framework gave to what it threw; a failure of ours has its own. */
function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  const status = thrown instanceof Error && !(thrown instanceof Failure) && 'statusCode' in thrown ? thrown.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}
