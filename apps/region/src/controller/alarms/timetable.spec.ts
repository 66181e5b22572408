import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasSeconds, readCron } from './cron.js';
import { latestDue, timesOf, type Timetable } from './timetable.js';

const now = Date.parse('2026-03-01T12:00:00Z');
const at = (text: string): number => Date.parse(text);

/** The first times after one, as ISO texts. */
function first(timetable: Timetable, count: number, afterMs = now): string[] {
  const times = timesOf(timetable, now);
  const found: string[] = [];
  for (let due = times.after(afterMs); due !== undefined && found.length < count; due = times.after(due))
    found.push(new Date(due).toISOString());
  return found;
}

test('a pattern has five fields, or six with seconds in front, and goes by UTC', () => {
  assert.deepEqual(first({ kind: 'cron', cron: '30 4 * * *' }, 2), ['2026-03-02T04:30:00.000Z', '2026-03-03T04:30:00.000Z']);
  assert.deepEqual(first({ kind: 'cron', cron: '*/20 * * * * *' }, 3), [
    '2026-03-01T12:00:20.000Z',
    '2026-03-01T12:00:40.000Z',
    '2026-03-01T12:01:00.000Z',
  ]);
  assert.deepEqual(first({ kind: 'cron', cron: '0 ? * * ?' }, 1), first({ kind: 'cron', cron: '0 * * * *' }, 1));
  assert.deepEqual(
    first({ kind: 'cron', cron: '0 0 13 * 5' }, 2),
    ['2026-03-06T00:00:00.000Z', '2026-03-13T00:00:00.000Z'],
    'as crontab: or',
  );
});

test('a time zone moves the clock, and summer time neither loses nor doubles a day', () => {
  assert.deepEqual(first({ kind: 'cron', cron: '0 9 * * *', timezone: 'America/New_York' }, 1), ['2026-03-01T14:00:00.000Z']);
  const berlin = first({ kind: 'cron', cron: '30 2 * * *', timezone: 'Europe/Berlin' }, 4, at('2026-03-27T12:00:00Z'));
  assert.equal(new Set(berlin.map((time) => time.slice(0, 10))).size, 4);
  const autumn = first({ kind: 'cron', cron: '30 2 * * *', timezone: 'Europe/Berlin' }, 3, at('2026-10-24T12:00:00Z'));
  assert.deepEqual(
    autumn.map((time) => time.slice(0, 10)),
    ['2026-10-25', '2026-10-26', '2026-10-27'],
  );
});

test('what is no pattern, or never comes true, is refused', () => {
  for (const pattern of ['', 'soon', '61 * * * *', '* * * * * * *', '*/0 * * * *', '0 0 30 2 *', '2030-01-01T00:00:00', ' '.repeat(300)]) {
    assert.equal(readCron(pattern, undefined, now), 'pattern', pattern);
  }
  assert.equal(readCron('* * * * *', 'Mars/Olympus', now), 'timezone');
});

test('a field of seconds counts unless it is 0', () => {
  assert.deepEqual(['* * * * *', '0 * * * * *', '*/2 * * * * *', ' 5  * * * * * '].map(hasSeconds), [false, false, true, true]);
});

test('start and stop bound what is due, both included', () => {
  const bounds = { startDate: '2026-03-01T13:00:00Z', stopDate: at('2026-03-01T15:00:00Z') };
  const hourly = ['2026-03-01T13:00:00.000Z', '2026-03-01T14:00:00.000Z', '2026-03-01T15:00:00.000Z'];
  assert.deepEqual(first({ kind: 'cron', cron: '0 * * * *', ...bounds }, 9), hourly);
  assert.deepEqual(first({ kind: 'interval', minutes: 60, ...bounds }, 9), hourly);
});

test('an interval keeps its phase, however late one asks', () => {
  const start = at('2020-01-01T00:00:07Z');
  assert.deepEqual(first({ kind: 'interval', minutes: 40, startDate: start }, 2), ['2026-03-01T12:00:07.000Z', '2026-03-01T12:40:07.000Z']);
});

test('what is due once is due once', () => {
  assert.deepEqual(first({ kind: 'once', date: '2026-03-02' }, 3), ['2026-03-02T00:00:00.000Z']);
});

test('of several missed times the latest is made up for', () => {
  const times = timesOf({ kind: 'cron', cron: '* * * * *' }, now);
  assert.equal(latestDue(times, now - 10 * 60_000, now + 1), now);
  assert.equal(latestDue(times, now, now + 1), now + 60_000);
  const over = timesOf({ kind: 'interval', minutes: 1, startDate: now - 120_000, stopDate: now - 60_000 }, now);
  assert.equal(latestDue(over, now - 300_000, now), now - 60_000);
  assert.equal(latestDue(over, now - 60_000, now), undefined);
});
