import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { RegionCode, RegionId, WorldRegion } from '#libs/domain';
import { regionPlaces } from '#libs/routing';

/** What a region server does with a request that is no probe. */
export type Behaviour = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** A plain HTTP server that stands where a region would, and can be killed and started again on the same port. */
export class RegionServer {
  /** Every request but probes, as it arrived. */
  readonly seen: IncomingMessage[] = [];
  ready = true;
  #server: Server | undefined;
  #port = 0;

  constructor(
    readonly id: string,
    readonly code: number,
    public behave: Behaviour,
  ) {}

  async start(): Promise<void> {
    const server = createServer({ maxHeaderSize: 64 * 1024 }, (req, res) => {
      // A request that is cut off ends its behaviour.
      this.#answer(req, res).catch(() => res.destroy());
    });
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends as a killed process does: every socket is reset, the port is free. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  get world(): WorldRegion {
    const place = regionPlaces[this.id];
    if (!place) throw new Error(`no place for ${this.id}`);
    const url = `http://127.0.0.1:${this.#port}`;
    return { id: this.id as RegionId, code: this.code as RegionCode, place, url, replicationUrl: url, publicKey: 'x' };
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.url === '/health/ready') {
      res
        .writeHead(this.ready ? 200 : 503, { 'content-type': 'application/json' })
        .end(JSON.stringify({ ready: this.ready, checks: { database: this.ready } }));
      return;
    }
    this.seen.push(req);
    await this.behave(req, res);
  }
}

/** Reads a body to its end. */
export async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
