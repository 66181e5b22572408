import type { ServerResponse } from 'node:http';
import type { Failure, RegionId, Transid } from '#libs/domain';

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
