import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { canonicalTarget, namespaceLocation } from './address.js';
import { readMediaType } from './media-type.js';
import { transidOf } from './transid.js';

/** The largest request body, bytes: beyond it no handler is asked. */
export const bodyBytesMax = 50 * 1024 * 1024;

const uriCharsMax = 8192;
const headerCharsMax = 8192;
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT']);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The domain whose namespace hosts are served, if any, and whether browsers are sent there from the bare domain. */
export interface Domain {
  readonly name: string | undefined;
  readonly redirects: boolean;
}

const noDomain: Domain = { name: undefined, redirects: false };

/**
 * A Nest adapter for Fastify that leaves the body to the handlers as bytes and answers what OpenWhisk's HTTP layer answers by itself:
 * too long targets and headers, methods that are none, upgrades. `headers` are on every answer. Handlers see canonical paths only.
 */
export function createHttpAdapter(headers: Readonly<Record<string, string>>, domain: Domain = noDomain): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: bodyBytesMax,
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => transidOf(request.headers['x-request-id']),
    exposeHeadRoutes: false,
    // Whoever closes the server has drained it first; what is left then are connections without a request.
    forceCloseConnections: true,
    skipMiddie: true,
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) =>
      void reply.code(400).type('text/plain; charset=UTF-8').send(Buffer.from(error.message)),
    routerOptions: { maxParamLength: uriCharsMax, caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false },
    serverFactory: (handler: Handler) => edgeServer(handler, headers, domain),
  });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  return adapter;
}

function edgeServer(handler: Handler, headers: Readonly<Record<string, string>>, domain: Domain): Server {
  const fixed = Object.entries(headers);
  const server = createServer({ maxHeaderSize: 64 * 1024, requestTimeout: 65_000, headersTimeout: 30_000, keepAliveTimeout: 75_000 });
  server.on('request', (request, response) => {
    for (const [name, value] of fixed) response.setHeader(name, value);
    const refused = refusal(request);
    if (refused) return refuse(request, response, refused);
    const location = domain.redirects && wantsPage(request) ? betterPlace(request, domain) : undefined;
    if (location !== undefined) return redirect(request, response, location);
    request.url = canonicalTarget(request.url ?? '', request.headers.host, domain.name);
    normaliseType(request);
    handler(request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerUnreadable(socket, error.code));
  return server;
}

/** Whether a browser asks for something to show. */
function wantsPage({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');
}

function betterPlace({ url = '', headers }: IncomingMessage, domain: Domain): string | undefined {
  return namespaceLocation(url, headers.host, domain.name);
}

function redirect(request: IncomingMessage, response: ServerResponse, location: string): void {
  request.resume();
  response.writeHead(308, { location, 'content-length': 0 });
  response.end();
}

/** Leaves the bare media type in the parsed header, so that Fastify refuses none; the raw headers keep what was sent. */
function normaliseType({ headers }: IncomingMessage): void {
  const type = headers['content-type'];
  if (type !== undefined) headers['content-type'] = readMediaType(type)?.full ?? 'application/octet-stream';
}

/** Why a request goes no further, as status and text. */
function refusal({ method = '', url = '', headers, rawHeaders }: IncomingMessage): readonly [number, string] | undefined {
  if (!methods.has(method)) return [501, 'Unsupported HTTP method'];
  // Only what asks for web sockets must not be served as something else; other upgrades, such as h2c, may be ignored.
  if (headers.upgrade?.toLowerCase() === 'websocket') return [501, 'This server does not upgrade connections'];
  if (url.length > uriCharsMax) return [414, `URI length exceeds the configured limit of ${uriCharsMax} characters`];
  if (rawHeaders.some((text) => text.length > headerCharsMax)) {
    return [431, `HTTP header value exceeds the configured limit of ${headerCharsMax} characters`];
  }
  return undefined;
}

function refuse(request: IncomingMessage, response: ServerResponse, [status, text]: readonly [number, string]): void {
  request.resume();
  response.writeHead(status, {
    'content-type': 'text/plain; charset=UTF-8',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  });
  response.end(text);
}

function clientErrorAnswer(code: string | undefined): readonly [number, string] {
  if (code === 'HPE_INVALID_METHOD') return [501, 'Unsupported HTTP method'];
  if (code === 'HPE_HEADER_OVERFLOW') return [431, `HTTP header value exceeds the configured limit of ${headerCharsMax} characters`];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'The request did not arrive in time'];
  return [400, 'The request could not be read'];
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
};

/** Answers what node's parser could not read (`code` is its error), in the words of OpenWhisk's HTTP layer, and closes the connection. */
export function answerUnreadable(socket: Duplex, code: string | undefined, headers: Readonly<Record<string, string>> = {}): void {
  answerRaw(socket, clientErrorAnswer(code), headers);
}

/** Answers on a bare socket and closes it. A peer that resets it must not end the process, so errors are heard and dropped. */
export function answerRaw(socket: Duplex, [status, text]: readonly [number, string], headers: Readonly<Record<string, string>> = {}): void {
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = Object.entries({
    'Content-Type': 'text/plain; charset=UTF-8',
    'Content-Length': String(Buffer.byteLength(text)),
    Connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n${lines.join('')}\r\n${text}`, () => socket.destroy());
}
