import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** First half of the advisory lock's key: the letters ISOC; the second says what is led. */
const lockSpace = 0x49534f43;
const pushLock = 2;
const alarmsLock = 3;

/** What a leader's work is given: `signal` aborts when the lead is lost. */
export interface Lead {
  readonly signal: AbortSignal;
  /** How many notifications of changed entities came so far. */
  changes(): number;
  /** Resolves once more notifications came than `seen`, or after `timeoutMs`, or when the lead is lost. */
  woken(seen: number, timeoutMs: number): Promise<void>;
}

/**
 * Runs `work` while this process leads the pushing of its region: it holds a session's advisory lock, which the database frees when the process
 * dies. Others try each second. Two leaders at once, after a long pause of the first, do no harm: what they push is the same. Returns when `signal` aborts.
 */
export function leadPush(
  databaseUrl: string,
  signal: AbortSignal,
  work: (lead: Lead) => Promise<void>,
  failed: (cause: unknown) => void,
): Promise<void> {
  return lead({ databaseUrl, lock: pushLock, name: 'isochrone-replication-leader' }, signal, work, failed);
}

/** The same for watching over the region's alarms. What two of them would do at once is kept apart by the claims that each fire takes. */
export function leadAlarms(
  databaseUrl: string,
  signal: AbortSignal,
  work: (lead: Lead) => Promise<void>,
  failed: (cause: unknown) => void,
): Promise<void> {
  return lead({ databaseUrl, lock: alarmsLock, name: 'isochrone-alarms-leader' }, signal, work, failed);
}

/** What is led: the second half of the lock's key, and how the session is called. */
interface Led {
  readonly databaseUrl: string;
  readonly lock: number;
  readonly name: string;
}

async function lead(led: Led, signal: AbortSignal, work: (lead: Lead) => Promise<void>, failed: (cause: unknown) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      await leadOnce(led, signal, work);
    } catch (cause) {
      failed(cause);
    }
    await sleep(1000, undefined, { signal }).catch(() => undefined);
  }
}

async function leadOnce({ databaseUrl, lock, name }: Led, signal: AbortSignal, work: (lead: Lead) => Promise<void>): Promise<void> {
  const lost = new AbortController();
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
    keepAlive: true,
    application_name: name,
  });
  client.on('error', (cause) => lost.abort(cause));
  client.on('end', () => lost.abort());
  try {
    await client.connect();
    const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1::int, $2::int) as held', [lockSpace, lock]);
    if (!rows[0]?.held) return;
    const bell = new Bell();
    client.on('notification', () => bell.ring());
    await client.query('listen isochrone_entity');
    const watch = setInterval(() => void client.query('select 1').catch((cause: unknown) => lost.abort(cause)), 5000);
    try {
      const both = AbortSignal.any([signal, lost.signal]);
      await work({ signal: both, changes: () => bell.rings, woken: (seen, timeoutMs) => bell.heard(seen, timeoutMs, both) });
    } finally {
      clearInterval(watch);
    }
  } finally {
    await Promise.race([client.end().catch(() => undefined), sleep(2000, undefined, { ref: false })]);
  }
}

/** Counts rings, so that one between two calls of a listener is not missed. */
class Bell {
  rings = 0;
  private readonly listeners = new Set<() => void>();

  ring(): void {
    this.rings += 1;
    for (const listener of this.listeners) listener();
  }

  heard(seen: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.rings > seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.listeners.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.listeners.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
