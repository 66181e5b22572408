import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from 'node:http';
import { Operators } from '#libs/auth';
import { operatorRoutesEnabled, type RouterConfig } from '#libs/config';
import type { World } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { FailureFilter } from './admin/failure.filter.js';
import { readRanges } from './caller/address.js';
import { openDoor, type Handler } from './door.js';
import { Draining } from './health/draining.js';
import { Proxy } from './proxy/proxy.js';
import { RouterModule } from './router.module.js';

/** Proxies that a world on one machine trusts without being told. */
const loopback = ['127.0.0.1', '::1'];

/** A router that serves. */
export interface Router {
  readonly port: number;
  /** Turns readiness red, waits the notice, shuts the door, lets requests in flight end within the time for that, and cuts the rest. */
  stop(): Promise<void>;
}

/** Starts a router: probes every region once, then listens. */
export async function startRouter(config: RouterConfig, world: World, log: Logger): Promise<Router> {
  const trusted = readRanges([...config.ISOCHRONE_TRUSTED_PROXIES, ...(config.ISOCHRONE_PROFILE === 'local' ? loopback : [])]);
  let proxy: Handler = (_req, res) => void res.writeHead(503, { 'retry-after': '1' }).end();
  let door: Server | undefined;
  const adapter = new FastifyAdapter({
    routerOptions: { maxParamLength: 256 },
    serverFactory: (control: Handler) => (door = openDoor(control, (req, res) => proxy(req, res), config.ISOCHRONE_DOMAIN)),
  });
  const module = RouterModule.with({
    world,
    operators: new Operators(config.ISOCHRONE_ADMIN_TOKEN, config.ISOCHRONE_ADMIN_TOKENS),
    trusted,
    log,
    operatorRoutes: operatorRoutesEnabled(config),
    domain: config.ISOCHRONE_DOMAIN,
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: false,
    abortOnError: false,
    forceCloseConnections: true,
  });
  app.useGlobalFilters(new FailureFilter(log));
  const passenger = app.get(Proxy);
  proxy = (req, res) => void passenger.pass(req, res);
  await app.listen(config.ISOCHRONE_PORT, config.ISOCHRONE_HOST);
  if (!door) throw new Error('the adapter made no server');
  const server = door;
  const { port } = server.address() as AddressInfo;
  log.log('router serves', { world: world.name, host: config.ISOCHRONE_HOST, port });
  return { port, stop: () => stop(app, server, config, log) };
}

async function stop(app: NestFastifyApplication, server: Server, config: RouterConfig, log: Logger): Promise<void> {
  app.get(Draining).begin();
  log.log('router drains', { noticeMs: config.ISOCHRONE_DRAIN_NOTICE_MS, withinMs: config.ISOCHRONE_DRAIN_MS });
  await sleep(config.ISOCHRONE_DRAIN_NOTICE_MS);
  const closed = once(server, 'close');
  server.close();
  const cut = setTimeout(() => server.closeAllConnections(), config.ISOCHRONE_DRAIN_MS);
  await closed;
  clearTimeout(cut);
  await app.close();
  log.log('router stopped');
}
