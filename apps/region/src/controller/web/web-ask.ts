import type { IncomingHttpHeaders } from 'node:http';

/** A request for a web action, as far as one is looked at: one of Fastify's, or one that the gateway made of it. */
export interface WebAsk {
  /** The transaction id. */
  readonly id: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly raw: { readonly rawHeaders: readonly string[] };
  /** Bytes where there are any. */
  readonly body?: unknown;
}

/** The body of a request; no bytes where it has none. */
export function bodyOf({ body }: Pick<WebAsk, 'body'>): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array(0);
}
