import type { IncomingMessage } from 'node:http';
import type { RegionId, Transid } from '#libs/domain';
import type { Caller } from '../caller/caller.js';

/** Headers of one connection (RFC 9110 §7.6.1), never passed on. `expect` is answered by node itself, `http2-settings` belongs to an upgrade. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What `Connection` may not name away: the region decides by these who calls, for what, and where a message ends. */
const reliedOn =
  /^(?:authorization|host|cookie|origin|range|accept.*|access-control-.*|content-.*|if-.*|idempotency-key|x-forwarded-.*|x-request-id|x-require-whisk-auth|x-ow-.*|x-isochrone-.*)$/;

/** What only the router may say, or what it says anew. */
const ours: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-isochrone-fault',
  'x-isochrone-region',
  'x-request-id',
]);

/** Other ways to claim an address; kept only when a trusted proxy says so. */
const claims: ReadonlySet<string> = new Set(['forwarded', 'x-real-ip', 'x-forwarded-port', 'x-forwarded-server']);

/** Names and values, flat, as they go on the wire. */
export type FlatHeaders = string[];

/** The headers that a region gets: the caller's, without those of his connection, with the verified chain of addresses and the transaction id. */
export function headersForRegion(req: IncomingMessage, caller: Caller, transid: Transid): FlatHeaders {
  const named = namedByConnection(req.headers.connection);
  const headers = pick(
    req.rawHeaders,
    (name) => !hopByHop.has(name) && !ours.has(name) && !named.has(name) && (caller.viaProxy || !claims.has(name)),
  );
  const host = hostOf(req, caller);
  if (caller.chain.length > 0) headers.push('x-forwarded-for', caller.chain.join(', '));
  headers.push('x-forwarded-proto', believed(req, caller, 'x-forwarded-proto') ?? 'http');
  if (host !== undefined) headers.push('x-forwarded-host', host);
  headers.push('x-request-id', transid);
  return headers;
}

/** The host that the caller asked: what a trusted proxy says, or the header itself. */
export function hostOf(req: IncomingMessage, caller: Caller): string | undefined {
  return believed(req, caller, 'x-forwarded-host') ?? req.headers.host;
}

function believed(req: IncomingMessage, caller: Caller, name: string): string | undefined {
  const value = caller.viaProxy ? req.headers[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The headers that a caller gets: the region's, without those of its connection, and who served. */
export function headersForCaller(rawHeaders: FlatHeaders, region: RegionId, closing: boolean): FlatHeaders {
  const named = namedByConnection(valueOf(rawHeaders, 'connection'));
  const headers = pick(rawHeaders, (name) => !hopByHop.has(name) && !named.has(name) && name !== 'x-isochrone-region');
  headers.push('x-isochrone-region', region);
  if (closing) headers.push('connection', 'close');
  return headers;
}

/** The value of a header by its lower-case name, all lines joined by a comma. */
export function valueOf(rawHeaders: FlatHeaders, name: string): string | undefined {
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
  return values.length > 0 ? values.join(', ') : undefined;
}

function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  const names = connection?.toLowerCase().split(',') ?? [];
  return new Set(names.map((name) => name.trim()).filter((name) => !reliedOn.test(name)));
}

function pick(raw: readonly string[], keep: (lowerCaseName: string) => boolean): FlatHeaders {
  const kept: FlatHeaders = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (keep(name.toLowerCase())) kept.push(name, raw[i + 1] ?? '');
  }
  return kept;
}
