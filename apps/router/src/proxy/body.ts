import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { hasBody } from './framing.js';
import { CallerFailed } from './relay.js';

/**
 * The request's body as a stream of its own, null without a body. A client destroys the stream it sends when a region answers early; were
 * that the request itself, the caller's socket would go with it and the answer would be lost. Holds at most one buffer of 64 KiB.
 */
export function bodyOf(req: IncomingMessage): Readable | null {
  if (!hasBody(req)) return null;
  const body = new PassThrough({ highWaterMark: 64 * 1024 });
  req.on('error', (cause) => body.destroy(new CallerFailed('the caller failed', { cause })));
  req.on('aborted', () => body.destroy(new CallerFailed('the caller left')));
  body.on('error', () => undefined);
  // What nobody wants any more is read and dropped, so that the connection can end or go on.
  body.on('close', () => {
    req.unpipe(body);
    req.resume();
  });
  req.pipe(body);
  return body;
}
