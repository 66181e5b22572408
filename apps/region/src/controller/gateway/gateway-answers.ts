import type { IncomingHttpHeaders } from 'node:http';
import { toJsonText } from '#libs/domain';
import type { Answer, AnswerHeaders } from '#libs/http';

/** The answer to a path that no API has, in the words of OpenWhisk's gateway. */
export const notFound: Answer = gatewayAnswer(404, 'Not found.');

/** The answer to a verb that a path of an API does not have. */
export const verbMissing: Answer = gatewayAnswer(404, 'Whoops. Verb not supported.');

/** The CORS headers of an API whose gateway sees to them; what the browser asked for is allowed. */
export function apiCors(asked: IncomingHttpHeaders): AnswerHeaders {
  const wanted = asked['access-control-request-headers'];
  return {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS',
    ...(wanted === undefined ? {} : { 'access-control-allow-headers': wanted }),
  };
}

function gatewayAnswer(status: number, text: string): Answer {
  return { status, headers: {}, type: 'application/json; charset=utf-8', body: toJsonText({ status, message: `Error: ${text}` }) };
}
