/** HTTPS in front of a plain server, with a certificate that nobody trusts: what a client must be told to accept. */
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Authority } from './certificates.js';

export interface TlsFront {
  readonly url: string;
  stop(): void;
}

/** Listens on a free port of 127.0.0.1 and hands every request on to `target`. */
export async function startTlsFront(target: string): Promise<TlsFront> {
  const server = createServer(await (await Authority.make()).issue('localhost'), (incoming, outgoing) => {
    const { method, headers } = incoming;
    const onward = request(new URL(incoming.url ?? '/', target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
