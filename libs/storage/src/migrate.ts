import type { Logger } from '#libs/telemetry';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { setTimeout as sleep } from 'node:timers/promises';
import { tables } from './members/tables.js';
import { migrations } from './migrations/index.js';

/** The advisory lock that one migrating process holds. Any number, but always this one. */
const lockKey = '4950532701';
const pollMs = 100;

/**
 * Brings the database to this version, then does `more` with it under the same lock. Any number of processes may call it at once: one migrates,
 * the others wait without an open transaction (a `create index concurrently` would wait for those) and find nothing left to do. When the
 * migrating process dies, its sessions end, the lock is free, and another goes on.
 */
export async function migrate(
  databaseUrl: string,
  logger: Logger,
  { waitMs = 120_000, more = () => Promise.resolve() }: { waitMs?: number; more?: (source: DataSource) => Promise<void> } = {},
): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'isochrone migration lock',
    connectionTimeoutMillis: 5000,
    query_timeout: 10_000,
    keepAlive: true,
  });
  client.on('error', (cause) => logger.warn('the connection that holds the migration lock broke', {}, cause));
  await client.connect();
  try {
    await locked(client, waitMs);
    await run(databaseUrl, logger, more);
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
    await sleep(pollMs);
  }
}

async function run(databaseUrl: string, logger: Logger, more: (source: DataSource) => Promise<void>): Promise<void> {
  const source = new DataSource({
    type: 'postgres',
    url: databaseUrl,
    applicationName: 'isochrone migrations',
    entities: tables,
    migrations,
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolSize: 1,
    connectTimeoutMS: 5000,
    poolErrorHandler: (cause: unknown) => logger.warn('the connection that migrates broke', {}, cause),
    // The server looks for its client even in the middle of a statement: what a killed process began ends at once and holds up nobody.
    extra: { options: '-c lock_timeout=10000 -c client_connection_check_interval=250' },
  });
  await source.initialize();
  try {
    const done = await source.runMigrations();
    for (const { name } of done) logger.log('migrated the database', { migration: name });
    await more(source);
  } finally {
    await source.destroy();
  }
}
