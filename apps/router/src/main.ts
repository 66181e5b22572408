import 'reflect-metadata';
import { readEnv, readWorld, RouterEnv } from '#libs/config';
import { Logger } from '#libs/telemetry';
import { startRouter } from './app.js';

try {
  const config = readEnv(RouterEnv, process.env);
  const log = new Logger({ process: 'router' }, config.ISOCHRONE_LOG_LEVEL);
  const starting = startRouter(config, readWorld(config.ISOCHRONE_WORLD), log);
  // A signal during the start is obeyed when the start is over; a second one ends the process as it is.
  const leave = async (): Promise<void> => {
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
    await (await starting).stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void leave().catch(fail));
  await starting;
} catch (error) {
  fail(error);
}

function fail(error: unknown): never {
  process.stderr.write(`router: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
