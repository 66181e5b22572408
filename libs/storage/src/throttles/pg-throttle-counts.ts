import { randomUUID } from 'node:crypto';
import { ThrottleCounts, type AdmissionAsk, type AdmissionCounts } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import type pg from 'pg';
import { ask } from '../pools.js';

const beatMs = 1000;
/** A controller that has not been heard of for so long has nothing in flight any more. */
const aliveMs = 10_000;

/** Counts that the controllers of a region share through its database; each shows every second that it is there. */
export class PgThrottleCounts extends ThrottleCounts {
  private readonly me = randomUUID();
  private beating: NodeJS.Timeout | undefined;
  private others = 0;

  private constructor(
    private readonly pool: pg.Pool,
    private readonly logger: Logger,
  ) {
    super();
  }

  /** Joins the controllers of the region. */
  static async join(pool: pg.Pool, logger: Logger): Promise<PgThrottleCounts> {
    const counts = new PgThrottleCounts(pool, logger);
    await counts.beat();
    counts.beating = setInterval(() => {
      counts.beat().catch((cause: unknown) => logger.warn('the controllers of the region could not be counted', {}, cause));
    }, beatMs);
    return counts;
  }

  get alone(): boolean {
    return this.others === 0;
  }

  async admit(asks: readonly AdmissionAsk[]): Promise<AdmissionCounts[]> {
    // Rows are locked in the same order by everyone.
    const order = asks.map((item, at) => ({ item, at })).sort((a, b) => compare(keyOf(a.item), keyOf(b.item)));
    const column = <V>(of: (item: AdmissionAsk) => V): V[] => order.map(({ item }) => of(item));
    const rows = await ask<{ at: string; count: string; elsewhere: string }>(this.pool, {
      name: 'throttle-admit',
      text: `select a.at, r.count, r.elsewhere
        from unnest($2::uuid[], $3::text[], $4::bigint[], $5::int[], $6::int[], $7::int[], $8::bigint[], $9::bigint[]) with ordinality
          as a(ns, rate, minute, asking, untold, own, per_minute, at_once, at),
        lateral throttle_admit($1, a.ns, a.rate, a.minute, a.asking, a.untold, a.own, a.per_minute, a.at_once, $10) as r`,
      values: [
        this.me,
        column(({ ns }) => ns),
        column(({ rate }) => rate),
        column(({ minute }) => minute),
        column(({ asking }) => asking),
        column(({ untold }) => untold),
        column(({ flying }) => flying),
        column(({ allowedPerMinute }) => allowedPerMinute),
        column(({ allowedFlying }) => allowedFlying),
        aliveMs,
      ],
    });
    const answers: AdmissionCounts[] = [];
    for (const { at, count, elsewhere } of rows) {
      const asked = order[Number(at) - 1];
      if (asked) answers[asked.at] = { count: Number(count), flyingElsewhere: Number(elsewhere) };
    }
    return answers;
  }

  /** Leaves the controllers of the region. */
  async leave(): Promise<void> {
    clearInterval(this.beating);
    try {
      await ask(this.pool, {
        text: 'with gone as (delete from throttle_flight where controller = $1) delete from throttle_controller where controller = $1',
        values: [this.me],
      });
    } catch (cause) {
      this.logger.warn('this controller could not say that it leaves; the others will miss it soon', {}, cause);
    }
  }

  private async beat(): Promise<void> {
    const [row] = await ask<{ others: string }>(this.pool, {
      name: 'throttle-beat',
      text: `with me as (
          insert into throttle_controller (controller, seen) values ($1, clock_timestamp())
          on conflict (controller) do update set seen = excluded.seen
        ), dead as (
          delete from throttle_controller where controller <> $1 and seen < clock_timestamp() - $2 * interval '1 millisecond' returning controller
        ), landed as (
          delete from throttle_flight where controller in (select controller from dead)
        ), past as (
          delete from throttle_rate where minute < extract(epoch from clock_timestamp()) / 60 - 2
        )
        select count(*) as others from throttle_controller
        where controller <> $1 and seen >= clock_timestamp() - $2 * interval '1 millisecond'`,
      values: [this.me, aliveMs],
    });
    this.others = Number(row?.others ?? 0);
  }
}

function keyOf({ ns, rate }: AdmissionAsk): string {
  return `${ns} ${rate}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
