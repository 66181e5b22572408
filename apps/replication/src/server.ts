import { constants } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Failure } from '#libs/domain';
import { bodyBytesMax, inflatedBytesMax } from './protocol.js';
import type { Tls } from './tls.js';

const unzip = promisify(gunzip);

/**
 * The HTTPS server that peers speak to. It asks every client for a certificate of the world's authority and lets the guard refuse, since health
 * checks come without one. Sessions are not resumed: a resumed one would skip showing the certificate. Every body and wait is bounded.
 */
export function httpsServer(tls: Tls): FastifyAdapter {
  const adapter = new FastifyAdapter({
    https: {
      ...tls,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: 5000,
    },
    bodyLimit: bodyBytesMax,
    requestTimeout: 60_000,
    connectionTimeout: 120_000,
    keepAliveTimeout: 65_000,
    routerOptions: { maxParamLength: 128 },
    forceCloseConnections: true,
  });
  const server = adapter.getInstance();
  server.server.maxConnections = 256;
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: { headers: NodeJS.Dict<string | string[]> }, body: Buffer) =>
      parse(request.headers['content-encoding'] === 'gzip' ? await inflate(body) : body),
  );
  // Before a byte of the body is read: who shows no certificate of ours is not worth it. Which region it names is the guard's matter.
  server.addHook('onRequest', async (request) => {
    const trusted = request.raw.socket instanceof TLSSocket && request.raw.socket.authorized;
    if (request.method === 'POST' && !trusted) throw new Failure('unauthenticated');
  });
  return adapter;
}

async function inflate(body: Buffer): Promise<Buffer> {
  try {
    return await unzip(body, { maxOutputLength: inflatedBytesMax });
  } catch (cause) {
    throw new Failure('malformed-content', { reason: 'not gzip, or longer than may be' }, { cause });
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new Failure('malformed-content', { reason: 'not JSON' }, { cause });
  }
}
