import { readFileSync } from 'node:fs';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { createConnection } from 'node:net';

const probeMs = 2_000;

/** What a health or status request brought; undefined when nobody answered in time. */
export interface ProbeAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Certificates with which a region's replication service believes us. */
export interface PeerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** GETs a URL on loopback; https with the given certificate files. A body that is no JSON is undefined. */
export function probe(url: string, tls?: PeerTls, timeoutMs = probeMs): Promise<ProbeAnswer | undefined> {
  return new Promise((resolve) => {
    const settings = { timeout: timeoutMs, agent: false as const, signal: AbortSignal.timeout(timeoutMs) };
    const request = tls ? secure(url, { ...settings, ...files(tls) }) : plain(url, settings);
    request.once('error', () => resolve(undefined));
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', () => resolve(undefined));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) }));
    });
    request.end();
  });
}

/** Whether somebody listens on a socket. */
export function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path, timeout: probeMs });
    const end = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

function files({ cert, key, ca }: PeerTls): { cert: Buffer; key: Buffer; ca: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
