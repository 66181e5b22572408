import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readEnv, readWorld, regionOf, ReplicationEnv } from '#libs/config';
import { openEventBus } from '#libs/messaging';
import { openPool, openRegionStorage } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { ReplicationModule } from './replication.module.js';
import { ReplyFilter } from './reply.filter.js';
import { httpsServer } from './server.js';
import { readTls } from './tls.js';
import { WorldView } from './world-view.js';

/** Database connections of pushing, receiving and parking together. */
const connectionsMax = 10;
/** Longest that an orderly end may take. */
const endMs = 10_000;

/** Starts the replication service of one region, which serves until SIGTERM. */
async function main(): Promise<void> {
  const config = readEnv(ReplicationEnv, process.env);
  const world = readWorld(config.ISOCHRONE_WORLD);
  const self = regionOf(world, config.ISOCHRONE_REGION);
  const tls = readTls(config);
  const log = new Logger({ app: 'replication', region: self.id }, config.ISOCHRONE_LOG_LEVEL);
  const storage = await openRegionStorage(config, log);
  const pool = openPool(config.ISOCHRONE_DATABASE_URL, 'replication', connectionsMax, log);
  const bus = openEventBus({
    queue: config.ISOCHRONE_QUEUE,
    databaseUrl: config.ISOCHRONE_DATABASE_URL,
    brokers: config.ISOCHRONE_KAFKA_BROKERS,
    prefix: config.ISOCHRONE_KAFKA_PREFIX,
    replication: config.ISOCHRONE_KAFKA_REPLICATION,
    name: 'replication',
    logger: log,
  });
  const parts = { world: new WorldView(world, self), storage, pool, databaseUrl: config.ISOCHRONE_DATABASE_URL, bus, tls, log };
  const app = await NestFactory.create(ReplicationModule.with(parts), httpsServer(tls), { logger: ['error', 'warn'], bodyParser: false });
  app.useGlobalFilters(new ReplyFilter(log));
  await app.listen(config.ISOCHRONE_PORT, config.ISOCHRONE_HOST);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(app, log));
  log.log('the replication service listens', { port: new URL(await app.getUrl()).port });
}

/** Takes no more, ends what is under way, closes. What a hung part would delay is left to the restart: nothing is lost by a kill. */
async function end(app: INestApplication, log: Logger): Promise<void> {
  setTimeout(() => process.exit(1), endMs).unref();
  try {
    await app.close();
    process.exit(0);
  } catch (cause) {
    log.error('the service did not end cleanly', {}, cause);
    process.exit(1);
  }
}

main().catch((cause: unknown) => {
  process.stderr.write(`isochrone replication cannot start: ${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exit(1);
});
