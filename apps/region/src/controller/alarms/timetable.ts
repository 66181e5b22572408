import { z } from 'zod';
import { readCron } from './cron.js';

/** A time as a user gave it: epoch ms, or a text that JavaScript reads as a date. It is shown as it was given. */
export type GivenDate = string | number;

const Given = z.union([z.string(), z.number()]);
const Bounds = { startDate: Given.optional(), stopDate: Given.optional() };

/** When an alarm goes off. */
export const Timetable = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('cron'),
    cron: z.string(),
    timezone: z.string().optional(),
    strict: z.json().optional(),
    /** How often at most. */
    maxTriggers: z.number().optional(),
    ...Bounds,
  }),
  z.object({ kind: z.literal('interval'), minutes: z.number(), ...Bounds }),
  z.object({ kind: z.literal('once'), date: Given, deleteAfterFire: z.enum(['false', 'true', 'rules']).optional() }),
]);
export type Timetable = z.infer<typeof Timetable>;

/** The times of a timetable, so far as they are still to come. */
export interface Times {
  /** The first time after `afterMs`, epoch ms; undefined where there is none. */
  after(afterMs: number): number | undefined;
}

const minuteMs = 60_000;

/** The times of a timetable. Throws where its pattern cannot be read: what is stored was read before. */
export function timesOf(timetable: Timetable, nowMs: number): Times {
  if (timetable.kind === 'once') {
    const due = toMs(timetable.date);
    return { after: (afterMs) => (due > afterMs ? due : undefined) };
  }
  const startMs = timetable.startDate === undefined ? undefined : toMs(timetable.startDate);
  const stopMs = timetable.stopDate === undefined ? Infinity : toMs(timetable.stopDate);
  const within = (due: number | undefined): number | undefined => (due !== undefined && due <= stopMs ? due : undefined);
  if (timetable.kind === 'interval') {
    const from = startMs ?? nowMs;
    const every = timetable.minutes * minuteMs;
    return { after: (afterMs) => within(afterMs < from ? from : from + (Math.floor((afterMs - from) / every) + 1) * every) };
  }
  const cron = readCron(timetable.cron, timetable.timezone, nowMs);
  if (typeof cron === 'string') throw new Error(`the ${cron} of a stored timetable cannot be read`);
  return { after: (afterMs) => within(cron.after(startMs === undefined ? afterMs : Math.max(afterMs, startMs - 1))) };
}

/** The latest time after `afterMs` and not after `nowMs`, or the first one to come: what was missed is made up for once, however often it was. */
export function latestDue(times: Times, afterMs: number, nowMs: number): number | undefined {
  let due = times.after(afterMs);
  while (due !== undefined && due <= nowMs) {
    const next = times.after(due);
    if (next === undefined || next > nowMs) return due;
    due = next;
  }
  return due;
}

/** Epoch ms of a given date; NaN where it is none. */
export function toMs(date: GivenDate): number {
  return new Date(date).getTime();
}
