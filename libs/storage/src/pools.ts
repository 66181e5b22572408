import type { Logger } from '#libs/telemetry';
import pg from 'pg';

// bigint and xid8 stay strings: a hybrid logical clock exceeds 2^53.

/** A pool whose statements end in time and whose broken connections kill no process. */
export function openPool(databaseUrl: string, name: string, max: number, logger: Logger): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: `isochrone ${name}`,
    max,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 15_000,
    query_timeout: 20_000,
    idle_in_transaction_session_timeout: 10_000,
    keepAlive: true,
  });
  pool.on('error', (cause) => logger.warn('a connection to the database broke', { pool: name }, cause));
  return pool;
}

/** Runs `work` in a transaction; a connection on which that failed in an unknown way is thrown away. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A server that ends between two statements tells by an event, which would end this process if nobody heard it.
  const breaks = (cause: Error): void => void (broken = cause);
  client.on('error', breaks);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: unknown) => (broken = cause instanceof Error ? cause : new Error('rollback failed')));
    throw error;
  } finally {
    client.off('error', breaks);
    client.release(broken);
  }
}
