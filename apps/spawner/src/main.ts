import { readEnv, SpawnerEnv } from '#libs/config';
import { Spawner } from '#libs/sandbox';
import { Logger } from '#libs/telemetry';

/** The spawner: starts sandboxes for the invoker, and is small so that starting is fast. */
async function main(): Promise<void> {
  const env = readEnv(SpawnerEnv, process.env);
  const logger = new Logger({ app: 'spawner' }, env.ISOCHRONE_LOG_LEVEL);
  const spawner = await Spawner.start(
    {
      listen: env.ISOCHRONE_SPAWNER_LISTEN,
      token: env.ISOCHRONE_FRAME_TOKEN,
      dir: env.ISOCHRONE_SANDBOX_DIR,
      store: env.ISOCHRONE_RUNTIMES_DIR,
      env: process.env,
      mode: env.ISOCHRONE_SANDBOX,
      firstUid: env.ISOCHRONE_SANDBOX_UID,
      path: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      pidsMax: env.ISOCHRONE_SANDBOX_PIDS,
    },
    logger,
  );
  logger.log('spawner listens', { address: env.ISOCHRONE_SPAWNER_LISTEN });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void spawner.close().then(() => process.exit(0));
    });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`spawner: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
