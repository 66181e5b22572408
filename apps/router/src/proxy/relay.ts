import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Trouble } from '#libs/routing';
import type { Dispatcher, Pool } from 'undici';
import { valueOf, type FlatHeaders } from './headers.js';

/** A request as it goes to a region. */
export interface Outgoing {
  readonly method: string;
  /** Path and query, byte for byte. */
  readonly path: string;
  readonly headers: FlatHeaders;
  readonly body: Readable | null;
}

/** How one attempt at one region ended. */
export type Attempt =
  /** The region's answer went to the caller, whole. `fault` is the region's confession, if it made one. */
  | { readonly kind: 'answered'; readonly status: number; readonly fault: string | undefined }
  /** Nothing went to the caller yet. `sent` tells whether any byte went to the region. */
  | { readonly kind: 'failed'; readonly sent: boolean; readonly trouble: Exclude<Trouble, 'not-probed'>; readonly detail: string }
  /** The region was lost in the middle of its answer. */
  | { readonly kind: 'broken'; readonly status: number; readonly detail: string }
  /** The caller went away, or never finished his request. */
  | { readonly kind: 'left' }
  /** The request cannot be written as HTTP/1.1. */
  | { readonly kind: 'unfit'; readonly detail: string }
  /** The request's body is larger than any region takes. */
  | { readonly kind: 'too-large' };

/** Turns a region's raw headers into those for the caller. */
export type HeaderFilter = (rawHeaders: FlatHeaders) => FlatHeaders;

/**
 * Sends a request to a region and streams the answer to the caller, holding back the faster side. Nothing is collected in memory. Resolves
 * when it is over, never rejects. The body is not touched until a connection is there, so after a failure with `sent: false` the same body
 * can go elsewhere.
 */
export function relay(pool: Pool, outgoing: Outgoing, res: ServerResponse, filter: HeaderFilter): Promise<Attempt> {
  return new Promise((resolve) => {
    const handler = new Relay(res, filter, resolve);
    const options: Dispatcher.DispatchOptions & { servername?: string } = { ...outgoing, body: outgoing.body };
    pool.dispatch(options, handler);
  });
}

class Relay implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #fault: string | undefined;
  #left = false;

  constructor(
    private readonly res: ServerResponse,
    private readonly filter: HeaderFilter,
    private readonly done: (attempt: Attempt) => void,
  ) {
    res.on('close', this.#callerLeft);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#left || this.res.destroyed) controller.abort(new Error('the caller left'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    const raw = latin1(controller.rawHeaders);
    this.#status = status;
    this.#fault = valueOf(raw, 'x-isochrone-fault');
    this.res.writeHead(status, this.filter(raw));
    // Without a length the answer may be a stream whose first bytes are long in coming.
    if (valueOf(raw, 'content-length') === undefined) this.res.flushHeaders();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.res.write(chunk)) return;
    controller.pause();
    this.res.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.res.off('close', this.#callerLeft);
    this.res.end();
    this.done({ kind: 'answered', status: this.#status, fault: this.#fault });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.res.off('close', this.#callerLeft);
    const { code } = error as NodeJS.ErrnoException;
    const detail = code ?? error.message;
    if (this.#left || this.res.destroyed) this.done({ kind: 'left' });
    else if (this.#status > 0) this.done({ kind: 'broken', status: this.#status, detail });
    else if (error instanceof CallerFailed) this.done({ kind: 'left' });
    else if (error instanceof BodyTooLarge) this.done({ kind: 'too-large' });
    else if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') this.done({ kind: 'unfit', detail: error.message });
    else this.done({ kind: 'failed', sent: this.#controller !== undefined, trouble: troubleOf(code), detail });
  }

  readonly #callerLeft = (): void => {
    this.#left = true;
    this.#controller?.abort(new Error('the caller left'));
  };
}

/** The caller's body ended before its end. */
export class CallerFailed extends Error {}

/** The caller's body went past what any region takes. */
export class BodyTooLarge extends Error {}

const refusals: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENOTFOUND']);

function troubleOf(code: string | undefined): Exclude<Trouble, 'not-probed'> {
  if (code !== undefined && refusals.has(code)) return 'refused';
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return 'connect-timeout';
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'no-answer';
  return 'reset';
}

function latin1(raw: Dispatcher.DispatchController['rawHeaders']): FlatHeaders {
  return Array.isArray(raw) ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))) : [];
}
