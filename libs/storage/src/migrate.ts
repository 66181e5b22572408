import type { Logger } from '#libs/telemetry';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrations } from './migrations/index.js';

/** The advisory lock that one migrating process holds. Any number, but always this one. */
const lockKey = '4950532701';

/**
 * Brings the database to this version. Any number of processes may call it at once: one migrates, the others wait without an open
 * transaction (a `create index concurrently` would wait for those) and find nothing left to do. When the migrating process dies its
 * session ends, the lock is free, and another goes on.
 */
export async function migrate(databaseUrl: string, logger: Logger, waitMs = 120_000): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000, keepAlive: true });
  client.on('error', (cause) => logger.warn('the connection that holds the migration lock broke', {}, cause));
  await client.connect();
  try {
    await locked(client, waitMs);
    await run(databaseUrl, logger);
  } finally {
    await client.end();
  }
}

async function locked(client: pg.Client, waitMs: number): Promise<void> {
  const giveUpAt = Date.now() + waitMs;
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>(`select pg_try_advisory_lock(${lockKey}) as held`);
    if (rows[0]?.held) return;
    if (Date.now() > giveUpAt) throw new Error(`another process has been migrating the database for ${waitMs} ms`);
    await sleep(100);
  }
}

async function run(databaseUrl: string, logger: Logger): Promise<void> {
  const source = new DataSource({
    type: 'postgres',
    url: databaseUrl,
    migrations,
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolSize: 1,
    extra: { options: '-c lock_timeout=10000' },
  });
  await source.initialize();
  try {
    const done = await source.runMigrations();
    for (const { name } of done) logger.log('migrated the database', { migration: name });
  } finally {
    await source.destroy();
  }
}
