import type { JsonText } from '#libs/domain';
import type { FastifyReply } from 'fastify';

/** Header names in lower case to their value; a list is sent as that many lines. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

/** An HTTP answer as a plain value: handlers decide on one, `sendAnswer` alone writes it. `type` stands only where there is a body. */
export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly type?: string;
  readonly body?: string | Uint8Array;
  /** Whether the body only spells out the status: then nobody is asked whether they accept its type. */
  readonly bare?: true;
}

/** The content type of every JSON answer. It bears no charset: clients compare it as a whole. */
export const jsonType = 'application/json';

/** The content type of every plain text answer. */
export const textType = 'text/plain; charset=UTF-8';

/** An answer whose body is JSON. */
export function jsonAnswer(status: number, body: JsonText, headers: AnswerHeaders = {}): Answer {
  return { status, headers, type: jsonType, body };
}

/** An answer whose body is plain text. */
export function textAnswer(status: number, body: string, headers: AnswerHeaders = {}): Answer {
  return { status, headers, type: textType, body };
}

/** An answer that says no more than its status, in a word. */
export function bareAnswer(status: number, word: string): Answer {
  return { ...textAnswer(status, word), bare: true };
}

/** An answer without a body. */
export function emptyAnswer(status: number, headers: AnswerHeaders = {}): Answer {
  return { status, headers };
}

/** The same answer with more headers; those it has already win. */
export function withHeaders(answer: Answer, headers: AnswerHeaders): Answer {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** Writes an answer. Bodies go out as bytes, so that no framework adds a charset to their type. */
export function sendAnswer(reply: FastifyReply, { status, headers, type, body }: Answer): void {
  reply.code(status);
  for (const [name, value] of Object.entries(headers)) reply.header(name, typeof value === 'string' ? value : [...value]);
  if (type !== undefined) reply.header('content-type', type);
  void reply.send(body === undefined ? undefined : Buffer.from(body as string));
}

const allowHeaders = 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent';

function cors(methods: string, headers = allowHeaders): AnswerHeaders {
  return { 'access-control-allow-origin': '*', 'access-control-allow-headers': headers, 'access-control-allow-methods': methods };
}

/** CORS headers of the REST API. */
export const restCors = cors('GET, DELETE, POST, PUT, HEAD');

/** CORS headers of the paths outside `/api/v1`. */
export const rootCors = cors('OPTIONS, GET, POST');

/** CORS headers of a web action; what the browser asked for is allowed. */
export function webCors(requested: string | undefined): AnswerHeaders {
  return cors('OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH', requested);
}
