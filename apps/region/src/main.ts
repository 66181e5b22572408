import 'reflect-metadata';
import { ConsoleLogger, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { readEnv, RegionEnv, type RegionConfig } from '#libs/config';
import { RegionModule } from './region.module.js';

try {
  const config = readEnv(RegionEnv, process.env);
  process.title = `isochrone ${config.ISOCHRONE_ROLES.join('+')} ${config.ISOCHRONE_REGION}`;
  await start(config);
} catch (cause) {
  process.stderr.write(`isochrone region: ${(cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s*\n\s*/g, ' ')}\n`);
  process.exit(1);
}

/** Serves until a signal: SIGTERM and SIGINT drain, then the process exits with 0. Only the controller role speaks HTTP. */
async function start(config: RegionConfig): Promise<void> {
  const module = await RegionModule.with(config);
  const options = { logger: new ConsoleLogger({ json: true, logLevels: ['warn', 'error', 'fatal'] }), abortOnError: false };
  const stopping = (app: INestApplicationContext): unknown => app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  if (!config.ISOCHRONE_ROLES.includes('controller')) return void stopping(await NestFactory.createApplicationContext(module, options));

  const { httpAdapter, configureHttp } = await import('./controller/http-server.js');
  const app = await NestFactory.create<NestFastifyApplication>(module, httpAdapter(config), { ...options, bodyParser: false });
  await configureHttp(app);
  stopping(app);
  await app.listen(config.ISOCHRONE_PORT, config.ISOCHRONE_HOST);
}
