import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { leadAlarms, PgAlarms, type AlarmFire, type Lead } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import { Settings } from '../settings.js';
import { docOf } from './alarm.js';
import { AlarmBook } from './alarm-book.js';
import { AlarmFiring } from './alarm-firing.js';
import { afterFailure } from './attempts.js';
import { disabled, endOf } from './after-fire.js';
import { Peers } from './peers.js';
import { WatchList, type Watched } from './watch-list.js';
import { firesHere } from './watch.js';

/** Fires under way at once; more wait. */
const firesMax = 128;
/** How often rows of alarms are read where something changes all the time, and where nothing is told to. */
const refreshMinMs = 200;
const refreshMaxMs = 30_000;
/** How long the clock sleeps at most, and while fires are under way. */
const stepMaxMs = 1000;
const fireStepMs = 20;
const watchMaxMs = 5000;
/** A region that was away lets the others tell what they did meanwhile: until each has spoken and this much longer, or so long at most. */
const tellMs = 1500;
const tellMaxMs = 45_000;
/** When to look again at something due that another region should have seen to. */
const lookAgainMs = 5000;

/** Where the clock of the alarms runs. */
export class ClockOptions {
  constructor(
    readonly databaseUrl: string,
    readonly takeoverMs: number,
  ) {}
}

/**
 * Makes the alarms of the region go off: one process of the region at a time does, by a heap of what is due and one timer. Each fire is claimed in the
 * database before it is made, under ids that follow from alarm and time, so that no other process, and no second start of this one, makes it twice.
 */
@Injectable()
export class AlarmClock implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stop = new AbortController();
  private readonly firing = new Set<Promise<void>>();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly alarms: PgAlarms,
    private readonly book: AlarmBook,
    private readonly fires: AlarmFiring,
    private readonly peers: Peers,
    private readonly settings: Settings,
    private readonly options: ClockOptions,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    const failed = (cause: unknown): void => this.logger.warn('the watch over the alarms was lost or not obtained', {}, cause);
    this.running = leadAlarms(this.options.databaseUrl, this.stop.signal, (lead) => this.lead(lead), failed);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.running;
    await Promise.all(this.firing);
  }

  /** Watches over the alarms until the lead is lost. Throws where the database does not answer. */
  private async lead(lead: Lead): Promise<void> {
    const { signal } = lead;
    const beganMs = Date.now();
    const beforeMs = await this.alarms.watch(beganMs);
    const wasAway = beforeMs !== undefined && beganMs - beforeMs >= this.options.takeoverMs;
    const list = new WatchList(await this.alarms.fires(), (row, cause) =>
      this.logger.warn('an alarm cannot be read and does not go off', { namespaceId: row.ns, trigger: row.path }, cause),
    );
    this.peers.begin(signal);
    let settled = this.peers.alone || !wasAway;
    if (!settled) void this.told(beganMs, signal).finally(() => (settled = true));
    const watchMs = Math.min(watchMaxMs, this.options.takeoverMs / 4);
    let horizon = '0';
    let seen = -1;
    let [readMs, watchedMs] = [0, beganMs];
    while (!signal.aborted) {
      const rings = lead.changes();
      const nowMs = Date.now();
      if (nowMs - watchedMs >= watchMs) {
        await this.alarms.watch(nowMs);
        watchedMs = nowMs;
      }
      if (nowMs - readMs >= (rings === seen ? refreshMaxMs : refreshMinMs)) {
        const { rows, horizon: next } = await this.alarms.changedSince(horizon);
        for (const gone of list.take(rows, Date.now())) await this.alarms.forget(gone);
        [horizon, seen, readMs] = [next, rings, nowMs];
      }
      if (settled) this.fireDue(list, Date.now());
      // What is seen to leaves behind something that may be due sooner than all the rest.
      const longestMs = !settled ? refreshMinMs : this.firing.size > 0 ? fireStepMs : stepMaxMs;
      const nextMs = this.firing.size < firesMax ? (list.nextMs ?? Infinity) - Date.now() : longestMs;
      const wait = settled ? Math.min(longestMs, Math.max(1, nextMs)) : longestMs;
      if (seen !== lead.changes()) await delay(Math.min(wait, refreshMinMs), undefined, { signal }).catch(() => undefined);
      else await lead.woken(seen, wait);
    }
  }

  /** Resolves once every region that answers has left the alarms to their owner and told of its changes, or nothing more is to be hoped for. */
  private async told(sinceMs: number, signal: AbortSignal): Promise<void> {
    const untilMs = sinceMs + tellMaxMs;
    await delay(this.peers.noticeMs, undefined, { signal }).catch(() => undefined);
    let heard = new Set<number>();
    while (!signal.aborted && Date.now() < untilMs) {
      await delay(tellMs, undefined, { signal }).catch(() => undefined);
      if (this.peers.answering.every((code) => heard.has(code))) return;
      heard = new Set(await this.alarms.heardSince(sinceMs).catch(() => []));
    }
  }

  /** Starts every fire that is due and has room. */
  private fireDue(list: WatchList, nowMs: number): void {
    while (this.firing.size < firesMax) {
      const watched = list.due(nowMs);
      if (!watched) return;
      const one = this.see(list, watched).finally(() => this.firing.delete(one));
      this.firing.add(one);
    }
  }

  /** Sees to an alarm that is due; never rejects, so that none stands in the way of another. */
  private async see(list: WatchList, watched: Watched): Promise<void> {
    const { alarm, dueMs } = watched;
    try {
      const at = { ns: alarm.ns, path: alarm.trigger, alarm: alarm.id };
      if (!(await this.alarms.stands(at))) {
        await this.alarms.forget(at);
        return list.drop(watched);
      }
      const { takeoverMs } = this.options;
      if (!firesHere(this.settings.region.code, alarm.owner, this.peers.outOfReach(Date.now()), takeoverMs)) {
        return list.leave(watched, Date.now(), alarm.timetable.kind === 'once' ? lookAgainMs : undefined);
      }
      const fire = watched.claimed ?? (await this.alarms.claim({ ...at, dueMs }, Date.now()));
      if (fire) await this.make(list, watched, fire);
      else list.passed(watched, Date.now());
    } catch (cause) {
      this.logger.warn('an alarm could not be seen to and is tried again', { namespaceId: alarm.ns, trigger: alarm.trigger }, cause);
      list.unseen(watched, Date.now());
    }
  }

  private async make(list: WatchList, watched: Watched, fire: AlarmFire): Promise<void> {
    const { alarm } = watched;
    const status = await this.fires.fire(alarm, fire);
    const failed = status === undefined ? undefined : afterFailure(status, watched.tries, watched.throttled);
    if (failed?.kind === 'again') return list.again(watched, fire, Date.now() + failed.inMs, failed.throttled);
    if (failed?.kind === 'disable') {
      await this.book.change(alarm, (standing) => disabled(standing, Date.now(), failed.message, failed.statusCode));
    } else await this.end(watched, fire);
    await this.alarms.done(fire);
    list.passed(watched, Date.now());
  }

  /** What a fire leaves behind: nothing mostly; after the last one, an alarm that is deleted or goes off no more. */
  private async end({ alarm, times }: Watched, fire: AlarmFire): Promise<void> {
    const end = endOf(alarm, times, fire);
    if (end.kind === 'delete') {
      await this.fires.clear(alarm, end.withRules);
      await this.book.remove(alarm);
    } else if (end.kind === 'disable') {
      await this.book.change(alarm, (standing) => disabled(standing, Date.now(), end.message));
    } else if (alarm.owner !== this.settings.region.code) {
      await this.book.change(alarm, (standing) => ({ ...docOf(standing), fired: fire.dueMs }));
    }
  }
}
