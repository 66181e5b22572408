import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Failure, RegionId, Transid } from '#libs/domain';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * The caller's transaction id; a new one (32 of [A-Za-z0-9]) when there is none, when it takes the prefix that is the system's own, or when
 * it is longer than 256 characters or not printable. A region judges alike, so both use the same.
 */
export function transidOf(req: IncomingMessage): Transid {
  const given = req.headers['x-request-id'];
  if (typeof given === 'string' && !given.startsWith('sid_') && /^[\x20-\x7e]{1,256}$/.test(given)) return given as Transid;
  return Array.from(randomBytes(32), (byte) => alphabet[byte % alphabet.length]).join('') as Transid;
}

/** What the router says in its own name. `region` is the one the answer is about; it is `none` when no region had the request. */
export interface OwnAnswer {
  readonly transid: Transid;
  readonly region?: RegionId | undefined;
  /** Whether the connection ends with this answer. */
  readonly close: boolean;
}

/** Answers a body that no region would take, in the words of OpenWhisk's HTTP layer, and closes: the rest of it is not waited for. */
export function answerTooLarge(res: ServerResponse): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const body = Buffer.from('Request too large');
  const headers = {
    'content-type': 'text/plain; charset=UTF-8',
    'content-length': body.length,
    connection: 'close',
    'x-isochrone-region': 'none',
  };
  res.writeHead(400, headers).end(body);
}

/** Answers a failure in OpenWhisk's envelope. Once headers are out, nothing can be said any more: then the connection is cut. */
export function answerFailure(res: ServerResponse, failure: Failure, { transid, region, close }: OwnAnswer): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify({ error: failure.message, code: transid }));
  res.writeHead(failure.status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-request-id': transid,
    'x-isochrone-region': region ?? 'none',
    ...(failure.fault === undefined ? {} : { 'x-isochrone-fault': failure.fault }),
    ...(failure.retryAfterS === undefined ? {} : { 'retry-after': String(failure.retryAfterS) }),
    ...(close ? { connection: 'close' } : {}),
  });
  res.end(body);
}
