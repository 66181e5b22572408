import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { answerRaw, answerUnreadable, namespaceOfHost } from '#libs/http';

/** Takes a request to its end. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** Paths that the router answers itself; everything else belongs to a region. */
const own = /^\/(?:health\/(?:live|ready)|isochrone\/v1\/(?:regions|audit|why\/[^/?]+|erasures\/[^/?]+))(?:\?|$)/;

/** On answers that no region had a part in. */
const noRegion = { 'X-Isochrone-Region': 'none' };

/** Longer than the region's 65 s and a blocking invocation's 60 s. */
const requestMs = 72_000;

/** Callers' connections; more are dropped as they arrive. */
const connectionsMax = 16_384;

/**
 * The server that callers reach: `/health` and the router's part of `/isochrone/v1` go to `control`, unless asked of a namespace's host, and
 * everything else to `proxy`.
 * There is no listener for upgrades, so node never hands over a bare socket and a reset cannot find it unguarded.
 */
export function openDoor(control: Handler, proxy: Handler, domain: string | undefined): Server {
  const options = {
    maxHeaderSize: 64 * 1024,
    requestTimeout: requestMs,
    headersTimeout: 30_000,
    keepAliveTimeout: requestMs,
    noDelay: true,
  };
  const unanswered = new WeakMap<Duplex, Set<ServerResponse>>();
  const server = createServer(options, (req, res) => {
    const waiting = unanswered.get(req.socket) ?? new Set();
    unanswered.set(req.socket, waiting.add(res));
    res.on('error', () => undefined).on('close', () => waiting.delete(res));
    const ours = own.test(req.url ?? '') && namespaceOfHost(req.headers.host, domain) === undefined;
    (ours ? control : proxy)(req, res);
  });
  server.maxConnections = connectionsMax;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket, [...(unanswered.get(socket) ?? [])]));
  server.on('connect', (_req, socket) => answerRaw(socket, [501, 'This server does not tunnel'], noRegion));
  return server;
}

/**
 * Answers what cannot be parsed, and closes: where the next request would begin is anybody's guess. While an answer is under way nothing
 * may be written between its bytes, so then the connection is cut.
 */
function refuse(error: NodeJS.ErrnoException, socket: Duplex, waiting: readonly ServerResponse[]): void {
  const interrupts = waiting.length > 1 || waiting.some((res) => res.headersSent);
  if (error.code === 'ECONNRESET' || !socket.writable || interrupts) socket.destroy();
  else answerUnreadable(socket, error.code, noRegion);
}
