import type { Logger } from '#libs/telemetry';
import type pg from 'pg';

const dayMs = 86_400_000;
/** Partitions are made so many days ahead. */
const daysAhead = 7;
/** An hour between two looks. */
const intervalMs = 3_600_000;
/** The advisory lock under which partitions are made and dropped. */
const lockKey = '4950532702';

/**
 * Day partitions of the activation table, in UTC: made ahead, dropped when every record in them is older than the retention. The default
 * partition catches what falls outside and should stay empty.
 */
export class Partitions {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly pool: pg.Pool,
    private readonly retentionDays: number,
    private readonly logger: Logger,
  ) {}

  /** Sees to them now and every hour. */
  async start(): Promise<void> {
    await this.maintain(Date.now());
    this.timer = setInterval(() => {
      this.maintain(Date.now()).catch((cause: unknown) =>
        this.logger.error('the partitions of activations could not be seen to', {}, cause),
      );
    }, intervalMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Makes the days ahead and drops what is past the retention. Whoever comes second finds nothing to do. */
  async maintain(nowMs: number): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query(`select pg_advisory_lock(${lockKey})`);
      const standing = await this.standing(client);
      for (let day = startOfDay(nowMs) - dayMs; day <= startOfDay(nowMs) + daysAhead * dayMs; day += dayMs) {
        if (!standing.has(nameOf(day))) await this.make(client, day);
      }
      for (const name of standing) {
        const day = dayOf(name);
        if (day !== undefined && day + dayMs + this.retentionDays * dayMs < nowMs) await this.drop(client, name);
      }
    } finally {
      await client.query(`select pg_advisory_unlock(${lockKey})`).catch(() => undefined);
      client.release();
    }
  }

  private async standing(client: pg.PoolClient): Promise<Set<string>> {
    const { rows } = await client.query<{ name: string }>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'activation'::regclass`,
    );
    return new Set(rows.map(({ name }) => name));
  }

  private async make(client: pg.PoolClient, day: number): Promise<void> {
    const [from, to] = [day, day + dayMs].map((ms) => new Date(ms).toISOString());
    await client.query(`create table if not exists ${nameOf(day)} partition of activation for values from ('${from}') to ('${to}')`);
  }

  private async drop(client: pg.PoolClient, name: string): Promise<void> {
    await client.query(`drop table if exists ${name}`);
    this.logger.log('dropped activations past their retention', { partition: name });
  }
}

function startOfDay(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs;
}

function nameOf(day: number): string {
  return `activation_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/** Start of the day (epoch ms) that a partition's name tells, undefined for the default one. */
function dayOf(name: string): number | undefined {
  const digits = /^activation_(\d{4})(\d\d)(\d\d)$/.exec(name);
  return digits ? Date.UTC(Number(digits[1]), Number(digits[2]) - 1, Number(digits[3])) : undefined;
}
