import type { Logger } from '#libs/telemetry';
import type pg from 'pg';
import { ask, transaction } from '../pools.js';

const dayMs = 86_400_000;
/** Partitions are made so many days ahead. */
const daysAhead = 7;
/** Between two looks, ms. Days are made so far ahead that many looks may fail. */
const intervalMs = 600_000;
/** The advisory lock under which partitions are made and dropped. */
const lockKey = '4950532702';

/**
 * Day partitions of the activation table, in UTC: made ahead, dropped when every record in them is older than the retention. The default
 * partition catches what falls outside, such as the record of a journal that was found late; what is due to a day moves there when it is made.
 */
export class Partitions {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly pool: pg.Pool,
    private readonly retentionDays: number,
    private readonly logger: Logger,
  ) {}

  /** Sees to them now and every ten minutes. Without them the region works on, in the default partition. */
  async start(): Promise<void> {
    await this.look();
    this.timer = setInterval(() => void this.look(), intervalMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Makes the days ahead and drops what is past the retention. Whoever comes second finds nothing to do. */
  async maintain(nowMs: number): Promise<void> {
    const oldestMs = nowMs - this.retentionDays * dayMs;
    for (let day = startOfDay(nowMs) - dayMs; day <= startOfDay(nowMs) + daysAhead * dayMs; day += dayMs) await this.make(day);
    for (const name of await standing(this.pool)) {
      const day = dayOf(name);
      if (day !== undefined && day + dayMs < oldestMs) await this.drop(name);
    }
    await ask(this.pool, { text: 'delete from activation_default where accepted_at < $1', values: [new Date(oldestMs)] });
  }

  private async look(): Promise<void> {
    try {
      await this.maintain(Date.now());
    } catch (cause) {
      this.logger.error('the partitions of activations could not be seen to', {}, cause);
    }
  }

  private async make(day: number): Promise<void> {
    const name = nameOf(day);
    if ((await standing(this.pool)).has(name)) return;
    const [from, to] = [day, day + dayMs].map((ms) => `'${new Date(ms).toISOString()}'`);
    await this.locked(async (client) => {
      if ((await standing(client)).has(name)) return;
      // Attached rather than created in place: that would lock out every reader and writer of the whole table.
      await client.query(`create table ${name} (like activation including defaults including constraints)`);
      await client.query(`
        with moved as (delete from activation_default where accepted_at >= ${from} and accepted_at < ${to} returning *)
        insert into ${name} select * from moved`);
      await client.query(`alter table activation attach partition ${name} for values from (${from}) to (${to})`);
    });
  }

  private async drop(name: string): Promise<void> {
    await this.locked(async (client) => {
      await client.query(`drop table if exists ${name}`);
    });
    this.logger.log('dropped activations past their retention', { partition: name });
  }

  /** One change at a time in the region. Who cannot get a lock soon gives up, so that nobody queues up behind him, and looks again later. */
  private locked(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
    return transaction(this.pool, async (client) => {
      await client.query(`select pg_advisory_xact_lock(${lockKey})`);
      await client.query(`set local lock_timeout = '2s'`);
      await work(client);
    });
  }
}

async function standing(on: pg.Pool | pg.PoolClient): Promise<Set<string>> {
  const rows = await ask<{ name: string }>(on, {
    text: `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'activation'::regclass`,
  });
  return new Set(rows.map(({ name }) => name));
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
