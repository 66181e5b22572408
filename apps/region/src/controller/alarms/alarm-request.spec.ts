import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedTimetable, FeedRefusal, payloadOf, readTimetable, type FeedParameters } from './alarm-request.js';
import type { Timetable } from './timetable.js';

const nowMs = Date.parse('2026-03-01T12:00:00Z');
const rules = { nowMs, fullMinutes: false };
const later = nowMs + 3_600_000;

/** What a new alarm is refused with; undefined where it is taken. */
function refusal(params: FeedParameters, more: Partial<typeof rules> = {}): string | undefined {
  return textOf(() => readTimetable(params, { ...rules, ...more }));
}

function textOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    assert.ok(thrown instanceof FeedRefusal, String(thrown));
    return thrown.message;
  }
}

test('each feed says what it misses', () => {
  assert.equal(refusal({}), 'alarms trigger feed is missing the cron parameter');
  assert.equal(refusal({ isInterval: true }), 'interval trigger feed is missing the minutes parameter');
  assert.equal(refusal({ fireOnce: true }), 'alarms once trigger feed is missing the date parameter');
  assert.equal(refusal({ fireOnce: true, date: '' }), 'alarms once trigger feed is missing the date parameter');
});

test('a pattern is refused by its own text, a time zone by another', () => {
  assert.equal(refusal({ cron: 'xxxx' }), "cron pattern 'xxxx' is not valid");
  assert.equal(refusal({ cron: 7 }), "cron pattern '7' is not valid");
  assert.equal(refusal({ cron: '* * * * *', timezone: 'Mars/Olympus' }), 'Invalid timezone.');
  const limited = 'cron pattern is limited to 5 fields with 1 minute as the finest granularity';
  assert.equal(refusal({ cron: '*/2 * * * * *' }, { fullMinutes: true }), limited);
  assert.equal(refusal({ cron: '0 * * * * *' }, { fullMinutes: true }), undefined);
  assert.equal(refusal({ cron: '*/2 * * * * *' }), undefined);
});

test('minutes are a whole number above zero', () => {
  assert.equal(refusal({ isInterval: true, minutes: 1.5 }), 'the minutes parameter must be an integer');
  assert.equal(refusal({ isInterval: true, minutes: 'many' }), 'the minutes parameter must be an integer');
  assert.equal(refusal({ isInterval: true, minutes: -1 }), 'the minutes parameter must be an integer greater than zero');
  assert.deepEqual(readTimetable({ isInterval: true, minutes: '40' }, rules), { kind: 'interval', minutes: 40, startDate: nowMs + 30_000 });
});

test('dates are dates, in the future, and in their order', () => {
  const once = (date: string | number) => refusal({ fireOnce: true, date });
  assert.equal(once('tomorrow'), "date parameter 'tomorrow' is not a valid Date");
  assert.equal(once(1e20), "date parameter '100000000000000000000' is not a valid Date");
  assert.equal(once(nowMs), `date parameter '${nowMs}' must be in the future`);
  assert.equal(once('2020-02-30'), "date parameter '2020-02-30' must be in the future");
  assert.equal(refusal({ fireOnce: true, date: {} }), "date parameter '[object Object]' is not a valid Date");
  const cron = { cron: '* * * * *' };
  assert.equal(refusal({ ...cron, startDate: nowMs - 1 }), `startDate parameter '${nowMs - 1}' must be in the future`);
  const wrong = `stopDate parameter '${later}' must be greater than the startDate parameter '${later}'`;
  assert.equal(refusal({ ...cron, startDate: later, stopDate: later }), wrong);
  assert.equal(refusal({ cron: '0 0 1 1 *', stopDate: later }), 'the first scheduled trigger fire is not until after the stop date');
});

test('a most number of fires and a stop exclude each other', () => {
  const both = { maxTriggers: 3, stopDate: later };
  assert.equal(refusal({ isInterval: true, minutes: 1, ...both }), 'maxTriggers is not supported for the interval trigger feed');
  assert.equal(refusal({ cron: '* * * * *', ...both }), 'maxTriggers is not allowed when the stopDate parameter is specified');
  assert.deepEqual(readTimetable({ cron: '* * * * *', maxTriggers: 3 }, rules), { kind: 'cron', cron: '* * * * *', maxTriggers: 3 });
});

test('what is deleted afterwards is one of three words', () => {
  const text = 'deleteAfterFire parameter must be one of [false, true, rules].';
  assert.equal(refusal({ fireOnce: true, date: later, deleteAfterFire: 'all' }), text);
  for (const [given, kept] of [
    [true, 'true'],
    [' Rules ', 'rules'],
  ] as const) {
    assert.deepEqual(readTimetable({ fireOnce: true, date: later, deleteAfterFire: given }, rules), {
      kind: 'once',
      date: later,
      deleteAfterFire: kept,
    });
  }
});

test('an update changes what it names and keeps the rest', () => {
  const standing: Timetable = { kind: 'cron', cron: '0 * * * *', timezone: 'Europe/Berlin', stopDate: later + 1 };
  assert.equal(changedTimetable(standing, {}, rules), undefined);
  assert.equal(changedTimetable(standing, { minutes: 3, date: later }, rules), undefined, 'what another feed has changes nothing');
  assert.deepEqual(changedTimetable(standing, { cron: '5 * * * *' }, rules), { ...standing, cron: '5 * * * *' });
  assert.equal(
    textOf(() => changedTimetable(standing, { startDate: later + 1 }, rules)),
    `startDate parameter '${later + 1}' must be less than the stopDate parameter '${later + 1}'`,
  );
  assert.equal(
    textOf(() => changedTimetable(standing, { cron: 'x' }, rules)),
    "cron pattern 'x' is not valid",
  );
  assert.deepEqual(changedTimetable({ kind: 'once', date: later }, { deleteAfterFire: 'rules' }, rules), {
    kind: 'once',
    date: later,
    deleteAfterFire: 'rules',
  });
});

test('a payload is an object, and a text becomes one', () => {
  assert.deepEqual(payloadOf(undefined), {});
  assert.deepEqual(payloadOf(''), {});
  assert.deepEqual(payloadOf('wake'), { payload: 'wake' });
  assert.deepEqual(payloadOf({ a: 1 }), { a: 1 });
  assert.deepEqual(payloadOf([1]), { payload: [1] });
});
