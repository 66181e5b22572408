import { asJsonText, Failure, toJsonText, type FailureCode } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { jsonAnswer, restCors, type Answer, type AnswerHeaders } from './answer.js';
import { prettyText } from './exact-json.js';

/** Failures that OpenWhisk's routing layer answers by itself, before any handler: they carry no CORS headers and are never pretty. */
const rejections: ReadonlySet<FailureCode> = new Set([
  'unauthenticated',
  'bad-credentials',
  'no-route',
  'no-method',
  'not-acceptable',
  'unsupported-type',
  'malformed-content',
  'malformed-query',
  'bad-name',
]);

/** How the answers of one request look: its transaction id, the CORS headers of handlers, and whether JSON is written pretty. */
export interface Manner {
  readonly transid: string;
  readonly cors: AnswerHeaders;
  readonly pretty: boolean;
}

/** The manner of the REST API. */
export function restManner(transid: string): Manner {
  return { transid, cors: restCors, pretty: false };
}

/** The `{error, code}` answer of a failure: the only place where failures become HTTP. */
export function failureAnswer(failure: Failure, { transid, cors, pretty }: Manner): Answer {
  const rejected = rejections.has(failure.code);
  const headers: AnswerHeaders = {
    ...(rejected ? {} : cors),
    ...(failure.code === 'unauthenticated' || failure.code === 'bad-credentials'
      ? { 'www-authenticate': 'Basic realm="OpenWhisk secure realm",charset=UTF-8' }
      : {}),
    ...(failure.code === 'no-method' ? { allow: String(failure.context['methods']) } : {}),
    ...(failure.retryAfterS === undefined ? {} : { 'retry-after': String(failure.retryAfterS) }),
    ...(failure.fault === undefined ? {} : { 'x-isochrone-fault': failure.fault }),
  };
  return errorAnswer(failure.status, failure.message, { transid, cors, pretty: pretty && !rejected }, headers);
}

/** An `{error, code}` answer with headers as given. */
export function errorAnswer(status: number, error: string, { transid, pretty }: Manner, headers: AnswerHeaders): Answer {
  const body = pretty ? prettyText({ error, code: transid }) : toJsonText({ error, code: transid });
  return jsonAnswer(status, asJsonText(body), headers);
}

/**
 * Turns whatever was thrown into a failure: a dependency that cannot be reached makes this region unavailable, what nobody foresaw is a
 * fault of ours. Both are told in `X-Isochrone-Fault`.
 */
export function toFailure(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  return isOutage(cause)
    ? new Failure('unavailable', {}, { cause, fault: 'dependency', retryAfterS: 1 })
    : new Failure('internal', {}, { cause, fault: 'internal' });
}

/** Logs a failure that is not the caller's: a bug is for someone to act on, being unavailable is a state that passes. */
export function reportFailure(logger: Logger, failure: Failure, transid: string, cause: unknown): void {
  if (failure.status < 500) return;
  const fields = { transid, reason: failure.code, fault: failure.fault };
  if (failure.status === 500) logger.error('a request failed', fields, cause);
  else logger.warn('a request could not be served', fields, cause);
}

/** Codes of connections that are refused, lost or not answered: the system's, and those of Postgres (classes 08, 53 and 57P). */
const outageCode = /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|08...|53...|57P0.)$/;
const outageText =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|query read timeout/i;

function isOutage(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  return ('code' in cause && typeof cause.code === 'string' && outageCode.test(cause.code)) || outageText.test(cause.message);
}
