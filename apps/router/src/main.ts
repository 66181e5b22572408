import 'reflect-metadata';
import { readEnv, readWorld, RouterEnv } from '#libs/config';
import { Logger } from '#libs/telemetry';
import { startRouter } from './app.js';

try {
  const config = readEnv(RouterEnv, process.env);
  const log = new Logger({ process: 'router' }, config.ISOCHRONE_LOG_LEVEL);
  const router = await startRouter(config, readWorld(config.ISOCHRONE_WORLD), log);
  const leave = (): void => {
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
    router.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('router could not stop in order', {}, error);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', leave).once('SIGINT', leave);
} catch (error) {
  process.stderr.write(`router: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
