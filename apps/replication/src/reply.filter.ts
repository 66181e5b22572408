import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { Failure } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import type { FastifyReply } from 'fastify';

/** Turns what stops a peer's request into its answer; what is nobody's doing but ours is logged and told as 500 without a word of its cause. */
@Catch()
export class ReplyFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(cause: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const failure = toFailure(cause);
    if (failure.code === 'unavailable' && failure.cause !== undefined)
      this.log.warn('a request of a peer has to come again', {}, failure.cause);
    if (failure.code === 'internal') this.log.error('a request of a peer failed', {}, cause);
    if (failure.retryAfterS !== undefined) reply.header('retry-after', String(failure.retryAfterS));
    if (!reply.sent) void reply.status(failure.status).send({ error: failure.message });
  }
}

function toFailure(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const status = cause instanceof HttpException ? cause.getStatus() : (cause as { statusCode?: unknown } | null)?.statusCode;
  if (status === 404) return new Failure('no-route');
  if (status === 413) return new Failure('too-large');
  if (status === 400 || status === 415) return new Failure('bad-request', { reason: 'the request cannot be read' });
  return new Failure('internal', {}, { cause });
}
