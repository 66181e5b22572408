import type { IncomingMessage } from 'node:http';
import { withoutDots } from '#libs/http';

/**
 * Why a request must not be passed on, or undefined. node's parser already refuses both lengths at once, two lengths, unknown codings and
 * spaces before a colon; these are what it lets through though a region might read it otherwise.
 */
export function unfitFraming(req: IncomingMessage): string | undefined {
  const coding = req.headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return 'Transfer-Encoding other than chunked is not supported';
  if (coding !== undefined && req.httpVersionMajor === 1 && req.httpVersionMinor === 0) return 'HTTP/1.0 has no Transfer-Encoding';
  const hosts = req.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length > 1) return 'more than one Host header';
  return undefined;
}

/** Whether a request carries a body. */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

/** Path and query of a request target, from the absolute form too, dot segments resolved; undefined for `*` and anything that is no path. */
export function pathOf(target: string): string | undefined {
  if (target.startsWith('/')) return withoutDots(target);
  const absolute = /^https?:\/\/[^/?#]*(\/[^#]*|\?[^#]*)?$/i.exec(target);
  if (!absolute) return undefined;
  const rest = absolute[1] ?? '/';
  return withoutDots(rest.startsWith('/') ? rest : `/${rest}`);
}

/** Whether a request asks for a protocol that changes what the socket carries. `h2c` is an offer that may be passed over (RFC 9110 §7.8). */
export function wantsUpgrade(req: IncomingMessage): boolean {
  const tokens = req.headers.upgrade?.split(',').map((token) => token.trim().toLowerCase()) ?? [];
  const asked = /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(req.headers.connection ?? '');
  return asked && tokens.some((token) => token !== 'h2c' && token !== '');
}
