import { Failure } from '#libs/domain';
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

/** Runs one statement. Throws Failure `unavailable` (fault `database`) where the database is at fault and another try has a chance. */
export async function ask<R extends pg.QueryResultRow>(on: pg.Pool | pg.ClientBase, statement: pg.QueryConfig): Promise<R[]> {
  try {
    return (await on.query<R>(statement)).rows;
  } catch (cause) {
    throw passing(cause) ? unavailable(cause) : cause;
  }
}

/** Runs `work` in a transaction; a connection on which that failed in an unknown way is thrown away. Throws as `ask` does, and what `work` throws. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw unavailable(cause);
  });
  let broken: Error | undefined;
  // A server that ends between two statements tells by an event, which would end this process if nobody heard it.
  const breaks = (cause: Error): void => void (broken = cause);
  client.on('error', breaks);
  try {
    await ask(client, { text: 'begin' });
    const result = await work(client);
    await ask(client, { text: 'commit' });
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: unknown) => (broken = cause instanceof Error ? cause : new Error('rollback failed')));
    throw error;
  } finally {
    client.off('error', breaks);
    client.release(broken);
  }
}

/** Bad data, a broken constraint or a value past a limit of the database: trying again does not mend it. */
export function isDataFault(cause: unknown): boolean {
  return /^(22|23|54)/.test(stateOf(cause));
}

/** Two transactions that waited for each other: the one that was ended does nothing and may be tried again at once. */
export function isCollision(cause: unknown): boolean {
  return cause instanceof Failure ? isCollision(cause.cause) : stateOf(cause).startsWith('40');
}

/** Whether the fault lies with the connection, the load or the state of the server: what the server does not report itself is a lost connection. */
function passing(cause: unknown): boolean {
  if (cause instanceof pg.DatabaseError) return /^(08|40|53|55|57)/.test(stateOf(cause));
  return cause instanceof Error && !(cause instanceof TypeError) && !(cause instanceof RangeError);
}

function unavailable(cause: unknown): Failure {
  return new Failure('unavailable', {}, { cause, fault: 'database', retryAfterS: 1 });
}

/** The five characters by which SQL names a fault. */
function stateOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
