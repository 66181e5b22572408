import { EventBus, type RegionEvent } from '#libs/domain';
import pg from 'pg';
import { decodeEvent, encodeEvent } from './event-codec.js';
import { within } from './group-commit.js';
import type { MessagingOptions } from './options.js';
import { backoffMs, pause } from './pause.js';
import { openPool } from './postgres-pool.js';

/** Postgres takes no longer NOTIFY payload, bytes. */
const payloadBytesMax = 8000;
const heartbeatMs = 15_000;
const firstListenMs = 5000;

/** Region events over LISTEN and NOTIFY: a dedicated connection listens, and is made again whenever it fails. */
export class PostgresEvents extends EventBus {
  private readonly pool: pg.Pool;
  private readonly channel: string;
  private readonly stop = new AbortController();
  private readonly handlers: ((event: RegionEvent) => void)[] = [];
  private listening: Promise<void> | undefined;

  constructor(private readonly options: MessagingOptions) {
    super();
    this.pool = openPool(options, 1);
    this.channel = `${options.prefix}isochrone_events`;
  }

  /** Resolves whether or not it worked, within a few seconds: delivery is best effort, and the write it tells about is committed. */
  override async publish(event: RegionEvent): Promise<void> {
    const payload = encodeEvent(event);
    try {
      if (payload.length >= payloadBytesMax) throw new Error(`an event of ${payload.length} bytes`);
      await within(this.pool.query('select pg_notify($1, $2)', [this.channel, payload.toString('utf8')]), 3000);
    } catch (cause) {
      this.options.logger.warn('a region event could not be published', { topic: event.topic }, cause);
    }
  }

  /** Resolves once events arrive, or after a few seconds without a database: then they arrive when it is back. */
  override async subscribe(handle: (event: RegionEvent) => void): Promise<void> {
    this.handlers.push(handle);
    if (this.listening) return;
    const ready = new Promise<void>((resolve) => {
      this.listening = this.listen(resolve);
    });
    await within(ready, firstListenMs).catch((cause: unknown) =>
      this.options.logger.warn('no region events yet, the database does not answer', {}, cause),
    );
  }

  override async close(): Promise<void> {
    this.stop.abort();
    await this.listening;
    await this.pool.end();
  }

  private async listen(ready: () => void): Promise<void> {
    for (let failures = 1; !this.stop.signal.aborted; failures += 1) {
      try {
        await this.session(() => {
          failures = 0;
          ready();
        });
      } catch (cause) {
        this.options.logger.warn('the connection for region events was lost', { failures }, cause);
      }
      await pause(backoffMs(failures + 1, 100, 5000), this.stop.signal);
    }
  }

  /** One listening connection, until it fails or the bus closes. */
  private async session(ready: () => void): Promise<void> {
    const client = new pg.Client({
      connectionString: this.options.databaseUrl,
      application_name: `isochrone-events ${this.options.name}`,
      connectionTimeoutMillis: 3000,
      query_timeout: 5000,
      keepAlive: true,
    });
    const lost = new AbortController();
    const end = (): void => lost.abort();
    client.on('error', end);
    client.on('end', end);
    client.on('notification', ({ payload }) => this.take(payload ?? ''));
    this.stop.signal.addEventListener('abort', end);
    try {
      await client.connect();
      await client.query(`listen ${client.escapeIdentifier(this.channel)}`);
      ready();
      while (!lost.signal.aborted) {
        await pause(heartbeatMs, lost.signal);
        if (!lost.signal.aborted) await client.query('select 1');
      }
      if (!this.stop.signal.aborted) throw new Error('the server closed the connection');
    } finally {
      this.stop.signal.removeEventListener('abort', end);
      await within(client.end(), 1000).catch(() => undefined);
    }
  }

  private take(payload: string): void {
    const event = decodeEvent(Buffer.from(payload));
    if (!event) return this.options.logger.warn('a region event that cannot be read was left out');
    for (const handle of this.handlers) handle(event);
  }
}
