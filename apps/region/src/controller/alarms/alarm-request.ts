/**
 * What a feed of package `alarms` is asked, checked in the order and refused in the words of OpenWhisk's alarms provider
 * (openwhisk-package-alarms, alarmWebAction).
 */
import type { Json } from '#libs/domain';
import { hasSeconds, readCron } from './cron.js';
import { timesOf, toMs, type GivenDate, type Timetable } from './timetable.js';

/** The parameters of a feed. */
export type FeedParameters = Readonly<Record<string, Json | undefined>>;

/** Ends a request of a feed with a text for whoever asked. */
export class FeedRefusal extends Error {
  override readonly name = 'FeedRefusal';
}

/** What holds for every request. */
export interface FeedRules {
  readonly nowMs: number;
  /** Whether timetables are limited to full minutes. */
  readonly fullMinutes: boolean;
}

const deleteAfterFire = ['false', 'true', 'rules'] as const;
const defaultStartMs = 30_000;

/** The timetable of a new alarm. Throws FeedRefusal. */
export function readTimetable(params: FeedParameters, rules: FeedRules): Timetable {
  if (params['fireOnce']) return readOnce(params, rules);
  return params['isInterval'] ? readInterval(params, rules) : readCronTable(params, rules);
}

/** A timetable with what a request changes of it; undefined where that is nothing. Throws FeedRefusal. */
export function changedTimetable(standing: Timetable, params: FeedParameters, rules: FeedRules): Timetable | undefined {
  const changed =
    standing.kind === 'once'
      ? changedOnce(params, rules)
      : { ...changedTimes(standing, params, rules), ...changedBounds(standing, params, rules) };
  return Object.keys(changed).length === 0 ? undefined : { ...standing, ...changed };
}

/** What the trigger is fired with, as JSON: a text becomes `{payload: text}`. */
export function payloadOf(given: Json | undefined): Json {
  if (!given) return {};
  return typeof given === 'object' && !Array.isArray(given) ? given : { payload: given };
}

function readOnce(params: FeedParameters, rules: FeedRules): Timetable {
  if (!params['date']) throw new FeedRefusal('alarms once trigger feed is missing the date parameter');
  const date = readDate(params['date'], 'date', rules);
  return { kind: 'once', date, ...(params['deleteAfterFire'] ? { deleteAfterFire: readDeleteAfterFire(params['deleteAfterFire']) } : {}) };
}

function readInterval(params: FeedParameters, rules: FeedRules): Timetable {
  if (!params['minutes']) throw new FeedRefusal('interval trigger feed is missing the minutes parameter');
  const minutes = readMinutes(params['minutes']);
  const startDate = params['startDate'] ? readDate(params['startDate'], 'startDate', rules) : rules.nowMs + defaultStartMs;
  return {
    kind: 'interval',
    minutes,
    startDate,
    ...readStop(params, startDate, rules, 'maxTriggers is not supported for the interval trigger feed'),
  };
}

function readCronTable(params: FeedParameters, rules: FeedRules): Timetable {
  if (!params['cron']) throw new FeedRefusal('alarms trigger feed is missing the cron parameter');
  const cron = textOf(params['cron']);
  const timezone = params['timezone'] ? textOf(params['timezone']) : undefined;
  checkCron(cron, timezone, params['cron'], rules);
  const startDate = params['startDate'] ? readDate(params['startDate'], 'startDate', rules) : undefined;
  const stop = readStop(params, startDate, rules, 'maxTriggers is not allowed when the stopDate parameter is specified');
  const maxTriggers = Number(params['maxTriggers'] ?? 0);
  const timetable: Timetable = {
    kind: 'cron',
    cron,
    ...(timezone === undefined ? {} : { timezone }),
    ...(params['strict'] === undefined ? {} : { strict: params['strict'] as never }),
    ...(maxTriggers > 0 ? { maxTriggers } : {}),
    ...(startDate === undefined ? {} : { startDate }),
    ...stop,
  };
  if (stop.stopDate !== undefined && timesOf(timetable, rules.nowMs).after(rules.nowMs) === undefined) {
    throw new FeedRefusal('the first scheduled trigger fire is not until after the stop date');
  }
  return timetable;
}

function readStop(
  params: FeedParameters,
  startDate: GivenDate | undefined,
  rules: FeedRules,
  withMax: string,
): { readonly stopDate?: GivenDate } {
  if (!params['stopDate']) return {};
  if (params['maxTriggers']) throw new FeedRefusal(withMax);
  return { stopDate: readDate(params['stopDate'], 'stopDate', rules, startDate) };
}

function changedOnce(params: FeedParameters, rules: FeedRules): object {
  return {
    ...(params['date'] ? { date: readDate(params['date'], 'date', rules) } : {}),
    ...(params['deleteAfterFire'] ? { deleteAfterFire: readDeleteAfterFire(params['deleteAfterFire']) } : {}),
  };
}

function changedTimes(standing: Exclude<Timetable, { kind: 'once' }>, params: FeedParameters, rules: FeedRules): object {
  if (standing.kind === 'interval') return params['minutes'] ? { minutes: readMinutes(params['minutes']) } : {};
  const strict = params['strict'] === undefined ? {} : { strict: params['strict'] };
  if (!params['cron'] && !params['timezone']) return strict;
  const cron = params['cron'] ? textOf(params['cron']) : standing.cron;
  const timezone = params['timezone'] ? textOf(params['timezone']) : standing.timezone;
  checkCron(cron, timezone, params['cron'], rules);
  return { cron, ...(timezone === undefined ? {} : { timezone }), ...strict };
}

function changedBounds(standing: Exclude<Timetable, { kind: 'once' }>, params: FeedParameters, rules: FeedRules): object {
  const startDate = params['startDate'] ? readDate(params['startDate'], 'startDate', rules) : undefined;
  const start = startDate === undefined ? {} : { startDate };
  if (params['stopDate']) return { ...start, stopDate: readDate(params['stopDate'], 'stopDate', rules, startDate ?? standing.startDate) };
  if (startDate !== undefined && standing.stopDate !== undefined && toMs(startDate) >= toMs(standing.stopDate)) {
    throw new FeedRefusal(`startDate parameter '${startDate}' must be less than the stopDate parameter '${standing.stopDate}'`);
  }
  return start;
}

function checkCron(cron: string, timezone: string | undefined, given: Json | undefined, { nowMs, fullMinutes }: FeedRules): void {
  const read = readCron(cron, timezone, nowMs);
  if (read === 'timezone') throw new FeedRefusal('Invalid timezone.');
  if (read === 'pattern') throw new FeedRefusal(`cron pattern '${cron}' is not valid`);
  if (given && fullMinutes && hasSeconds(cron)) {
    throw new FeedRefusal('cron pattern is limited to 5 fields with 1 minute as the finest granularity');
  }
}

function readMinutes(given: Json): number {
  const minutes = parseInt(textOf(given), 10);
  if (Number(given) !== minutes) throw new FeedRefusal('the minutes parameter must be an integer');
  if (minutes <= 0) throw new FeedRefusal('the minutes parameter must be an integer greater than zero');
  return minutes;
}

function readDeleteAfterFire(given: Json): (typeof deleteAfterFire)[number] {
  const wanted = textOf(given).trim().toLowerCase();
  const found = deleteAfterFire.find((each) => each === wanted);
  if (found === undefined) throw new FeedRefusal('deleteAfterFire parameter must be one of [false, true, rules].');
  return found;
}

function readDate(given: Json, name: string, { nowMs }: FeedRules, startDate?: GivenDate): GivenDate {
  const date = typeof given === 'string' || typeof given === 'number' ? given : undefined;
  const ms = date === undefined ? NaN : toMs(date);
  if (date === undefined || Number.isNaN(ms)) throw new FeedRefusal(`${name} parameter '${textOf(given)}' is not a valid Date`);
  if (nowMs >= ms) throw new FeedRefusal(`${name} parameter '${date}' must be in the future`);
  if (startDate !== undefined && ms <= toMs(startDate)) {
    throw new FeedRefusal(`${name} parameter '${date}' must be greater than the startDate parameter '${startDate}'`);
  }
  return date;
}

/** A value as JavaScript puts it into a text. */
function textOf(value: Json): string {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? '[object Object]' : String(value);
}
