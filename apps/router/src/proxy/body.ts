import type { IncomingMessage } from 'node:http';
import { Transform, type Readable } from 'node:stream';
import { bodyBytesMax } from '#libs/http';
import { hasBody } from './framing.js';
import { BodyTooLarge, CallerFailed } from './relay.js';

/** Whether a request announces a body that no region takes: then none needs to be asked, and none hangs up in the middle of it. */
export function announcesTooMuch(req: IncomingMessage): boolean {
  return Number(req.headers['content-length'] ?? 0) > bodyBytesMax;
}

/**
 * The request's body as a stream of its own, null without a body. A client destroys the stream it sends when a region answers early; were
 * that the request itself, the caller's socket would go with it and the answer would be lost. Holds at most one buffer of 64 KiB, and fails
 * with BodyTooLarge past what a region takes.
 */
export function bodyOf(req: IncomingMessage): Readable | null {
  if (!hasBody(req)) return null;
  let bytes = 0;
  const body = new Transform({
    highWaterMark: 64 * 1024,
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) done(new BodyTooLarge());
      else done(null, chunk);
    },
  });
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
