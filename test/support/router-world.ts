import 'reflect-metadata';
import { after, before, beforeEach } from 'node:test';
import { RouterEnv } from '#libs/config';
import type { RegionId, World } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { Client } from 'undici';
import type { Readable } from 'node:stream';
import { startRouter, type Router } from '../../apps/router/src/app.js';
import { readAll, RegionServer, type Behaviour } from './region-server.js';

/** What an echoing region saw. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** An answer, read to its end. */
export interface Got {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

/** Answers with what arrived, as JSON. */
export const echo: Behaviour = async (req, res) => {
  const body = await readAll(req);
  const seen = { method: req.method, url: req.url, headers: req.headers, body: body.toString('latin1') };
  res.writeHead(200, { 'content-type': 'application/json', 'x-request-id': String(req.headers['x-request-id']) }).end(JSON.stringify(seen));
};

/** The administrative token of every router here. */
export const adminToken = 'a-token-for-operators';

/** The header by which a trusted peer says where the caller is. */
export const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
/** A caller in Tokyo. */
export const tokyo = from('13.112.0.1');
/** The region that says it served. */
export const servedBy = (got: Got): unknown => got.headers['x-isochrone-region'];
/** What the region saw. */
export const echoOf = (got: Got): Echo => JSON.parse(got.text) as Echo;
/** The envelope of a failure. */
export const errorOf = (got: Got): { error: string; code: string } => JSON.parse(got.text) as { error: string; code: string };

/** A router in this process before three region servers. */
export class RouterWorld {
  readonly us = new RegionServer('us-east-1', 1, echo);
  readonly eu = new RegionServer('eu-west-1', 2, echo);
  readonly ap = new RegionServer('ap-northeast-1', 3, echo);
  readonly all = [this.us, this.eu, this.ap];
  #router: Router | undefined;
  #client: Client | undefined;

  get port(): number {
    if (!this.#router) throw new Error('the router is not started');
    return this.#router.port;
  }

  get client(): Client {
    if (!this.#client) throw new Error('the router is not started');
    return this.#client;
  }

  get world(): World {
    return {
      name: 'test',
      url: 'http://127.0.0.1:1',
      defaultRegion: 'us-east-1' as RegionId,
      regions: this.all.map((region) => region.world),
    };
  }

  /** Starts another router before the same regions; who starts it stops it. */
  startRouter(profile: 'local' | 'cluster', drainMs = 5000): Promise<Router> {
    const config = RouterEnv.parse({
      ISOCHRONE_WORLD: 'given',
      ISOCHRONE_PROFILE: profile,
      ISOCHRONE_PORT: '0',
      ISOCHRONE_ADMIN_TOKEN: adminToken,
      ISOCHRONE_DRAIN_NOTICE_MS: '50',
      ISOCHRONE_DRAIN_MS: String(drainMs),
    });
    return startRouter(config, this.world, new Logger({}, 'error', () => undefined));
  }

  async start(): Promise<void> {
    await Promise.all(this.all.map((region) => region.start()));
    this.#router = await this.startRouter('local');
    this.#client = new Client(`http://127.0.0.1:${this.#router.port}`, { pipelining: 0 });
  }

  async stop(): Promise<void> {
    await this.#client?.destroy();
    await this.#router?.stop();
    await Promise.all(this.all.map((region) => region.kill()));
  }

  /** Every region echoes again and has seen nothing. */
  reset(): void {
    for (const region of this.all) {
      region.behave = echo;
      region.seen.length = 0;
    }
  }

  /** Sends a request through the router. */
  async call(path: string, options: { method?: string; headers?: Record<string, string>; body?: string | Readable } = {}): Promise<Got> {
    const { method = 'GET', headers = {}, body = null } = options;
    const answer = await this.client.request({ path, method, headers, body });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  }

  /** Waits until the router's readiness is `status`. */
  async untilReady(status: number): Promise<void> {
    while ((await this.call('/health/ready')).status !== status) await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A world that lives as long as the file's tests and is reset before each. */
export function useRouterWorld(): RouterWorld {
  const world = new RouterWorld();
  before(() => world.start());
  after(() => world.stop());
  beforeEach(() => world.reset());
  return world;
}
