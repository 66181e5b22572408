import pg from 'pg';
import type { MessagingOptions } from './options.js';

/** A small pool of its own, so that nothing else a process does can keep an append from its connection. Every statement has a time limit. */
export function openPool({ databaseUrl, name, logger }: MessagingOptions, max: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max,
    application_name: `isochrone-messaging ${name}`,
    connectionTimeoutMillis: 3000,
    statement_timeout: 5000,
    query_timeout: 6000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
  });
  pool.on('error', (cause) => logger.warn('an idle database connection was lost', {}, cause));
  return pool;
}
