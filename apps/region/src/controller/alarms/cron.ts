import { Cron } from 'croner';

/** A timetable of the clock: five fields as in crontab, or six with seconds in front. */
export interface CronTimes {
  /** The first time after `afterMs`, epoch ms; undefined where there is none. */
  after(afterMs: number): number | undefined;
}

/** What a pattern or its time zone is refused for. */
export type CronRefusal = 'pattern' | 'timezone';

/**
 * Reads a pattern. `?` stands for `*`, day of month and day of week are alternatives as in crontab, and a pattern that never comes true is none.
 * The clock is that of the time zone, UTC where none is given: an hour that a change of the clock skips is made up for, and one that it repeats counts once.
 */
export function readCron(pattern: string, timezone: string | undefined, nowMs: number): CronTimes | CronRefusal {
  if (timezone !== undefined && !isTimezone(timezone)) return 'timezone';
  // The library takes what looks like a date for a date.
  if (pattern.length > 256 || pattern.includes(':')) return 'pattern';
  try {
    const cron = new Cron(pattern.replaceAll('?', '*'), { mode: '5-or-6-parts', timezone: timezone ?? 'UTC', paused: true });
    const times: CronTimes = { after: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
    return times.after(nowMs) === undefined ? 'pattern' : times;
  } catch {
    return 'pattern';
  }
}

/** Whether a pattern has a field of seconds that says more than "at the full minute". */
export function hasSeconds(pattern: string): boolean {
  const fields = pattern.trim().split(/\s+/);
  return fields.length > 5 && fields[fields.length - 6] !== '0';
}

function isTimezone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
