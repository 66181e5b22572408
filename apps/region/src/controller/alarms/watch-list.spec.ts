import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, type EntityId, type EntityRow, type Hlc, type NamespaceId, type RegionCode } from '#libs/domain';
import type { AlarmFire } from '#libs/storage';
import { endOf } from './after-fire.js';
import { alarmOf, type AlarmDoc } from './alarm.js';
import { timesOf, type Timetable } from './timetable.js';
import { WatchList } from './watch-list.js';

const now = Date.parse('2026-03-01T12:00:30Z');
const ns = 'a1b2c3d4-0000-4000-8000-000000000001' as NamespaceId;
const id = 'a1b2c3d4-0000-4000-8000-000000000002' as EntityId;
const minutely: Timetable = { kind: 'cron', cron: '* * * * *' };
const full = Date.parse('2026-03-01T12:00:00Z');

function row(timetable: Timetable, more: Partial<AlarmDoc> = {}, changed: Partial<EntityRow> = {}): EntityRow {
  const doc: AlarmDoc = { timetable, namespace: 'ann', owner: 1, status: { active: true, dateChanged: full - 3_600_000 }, ...more };
  return {
    ...({ space: 7, ns, path: 't', kind: 0, entityId: id, origin: 1 as RegionCode, schema: 1, deleted: false, sealed: null } as const),
    ...({ hlc: '1' as Hlc, blob: null, requires: [], updated: 0, doc: asJsonText(JSON.stringify(doc)) } as const),
    ...changed,
  };
}

const fire = (more: Partial<AlarmFire>): AlarmFire => ({
  ...({ ns, path: 't', alarm: id, dueMs: full, claimedMs: full, fires: 1, done: true } as const),
  ...more,
});
const list = (fires: readonly AlarmFire[] = []) =>
  new WatchList(fires, (_row, cause) => {
    throw cause;
  });
const due = (watch: WatchList, nowMs = now + 3_600_000) => watch.due(nowMs)?.dueMs;

test('what was missed for less than half a minute is made up for, once', () => {
  const fresh = list();
  fresh.take([row(minutely)], full + 20_000);
  assert.equal(due(fresh, full + 20_000), full);
  const late = list();
  late.take([row(minutely)], full + 40_000);
  assert.equal(due(late), full + 60_000);
});

test('what went off already does not go off again, whoever did it', () => {
  const here = list([fire({})]);
  here.take([row(minutely)], full + 10_000);
  assert.equal(due(here), full + 60_000);
  const elsewhere = list();
  elsewhere.take([row(minutely, { fired: full })], full + 10_000);
  assert.equal(due(elsewhere), full + 60_000);
  const another = list([fire({ alarm: 'a1b2c3d4-0000-4000-8000-000000000009' as EntityId })]);
  another.take([row(minutely)], full + 10_000);
  assert.equal(due(another), full, 'an alarm that was made anew has not gone off');
});

test('what was claimed and not seen to the end is taken up again', () => {
  const claimed = fire({ done: false });
  const watch = list([claimed]);
  watch.take([row(minutely)], full + 10_000);
  const again = watch.due(full + 10_000);
  assert.deepEqual(again?.claimed, claimed);
  watch.passed(again, full + 10_000);
  assert.equal(due(watch), full + 60_000);
});

test('what is due once is made up for however late, and once', () => {
  const once: Timetable = { kind: 'once', date: full - 86_400_000 };
  const watch = list();
  watch.take([row(once)], now);
  const watched = watch.due(now);
  assert.equal(watched?.dueMs, full - 86_400_000);
  watch.passed(watched, now);
  assert.equal(due(watch), undefined);
});

test('an alarm that changes while it is waited for goes by what it is now', () => {
  const watch = list();
  watch.take([row(minutely)], now);
  watch.take([row({ kind: 'cron', cron: '30 * * * *' }, {}, { hlc: '2' as Hlc })], now);
  assert.equal(due(watch), Date.parse('2026-03-01T12:30:00Z'));
  watch.take([row(minutely, { status: { active: false, dateChanged: now } }, { hlc: '3' as Hlc })], now);
  assert.equal(due(watch), undefined);
  assert.equal(watch.take([row(minutely, {}, { hlc: '4' as Hlc, deleted: true, doc: null })], now).length, 1);
});

test('a row that cannot be read is told, and the others go on', () => {
  const told: string[] = [];
  const watch = new WatchList([], ({ path }) => told.push(path));
  const bad = row({ kind: 'cron', cron: 'not one' }, {}, { path: 'bad' });
  watch.take([bad, row(minutely), row(minutely, {}, { path: 'worse', doc: asJsonText('{}') })], full + 40_000);
  assert.deepEqual(told, ['bad', 'worse']);
  assert.equal(due(watch), full + 60_000);
});

test('a failed try comes again later, unless the alarm has changed', () => {
  const watch = list();
  watch.take([row(minutely)], full + 40_000);
  const watched = watch.due(full + 60_000);
  assert.ok(watched);
  watch.again(watched, fire({ dueMs: full + 60_000, done: false }), full + 65_000, 1);
  assert.equal(watch.due(full + 64_000), undefined);
  const second = watch.due(full + 65_000);
  assert.deepEqual([second?.tries, second?.throttled, second?.dueMs], [1, 1, full + 60_000]);
});

test('what could not be seen to is looked at again ever later, and no more once the alarm is gone', () => {
  const watch = list();
  watch.take([row(minutely)], full + 40_000);
  const waits: number[] = [];
  for (let nowMs = full + 60_000; waits.length < 8;) {
    const watched = watch.due(nowMs);
    assert.ok(watched);
    watch.unseen(watched, nowMs);
    waits.push((watch.nextMs ?? 0) - nowMs);
    nowMs = watch.nextMs ?? 0;
  }
  assert.deepEqual(waits, [5000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  const last = watch.due(Infinity);
  assert.ok(last);
  watch.drop(last);
  watch.passed(last, now);
  assert.deepEqual([watch.due(Infinity), watch.nextMs], [undefined, undefined]);
});

test('an alarm that was made anew while the one before it was found gone is watched', () => {
  const watch = list();
  watch.take([row(minutely)], full + 40_000);
  const watched = watch.due(full + 60_000);
  assert.ok(watched);
  watch.take([row(minutely, {}, { hlc: '2' as Hlc, entityId: 'a1b2c3d4-0000-4000-8000-000000000009' as EntityId })], full + 60_000);
  watch.drop(watched);
  assert.equal(due(watch), full + 60_000);
});

test('the last fire ends an alarm with the reason of its kind', () => {
  const end = (timetable: Timetable, fires = 1) => {
    const alarm = alarmOf(row(timetable));
    return endOf(alarm, timesOf(timetable, now), { dueMs: full, fires });
  };
  assert.deepEqual(end({ kind: 'once', date: full }), { kind: 'disable', message: 'Automatically disabled after firing once' });
  assert.deepEqual(end({ kind: 'once', date: full, deleteAfterFire: 'rules' }), { kind: 'delete', withRules: true });
  const last = 'Automatically disabled after firing last scheduled interval trigger';
  assert.deepEqual(end({ kind: 'interval', minutes: 1, startDate: full, stopDate: full + 59_999 }), { kind: 'disable', message: last });
  assert.deepEqual(end({ ...minutely, maxTriggers: 2 }, 1), { kind: 'stays' });
  assert.deepEqual(end({ ...minutely, maxTriggers: 2 }, 2), {
    kind: 'disable',
    message: 'Automatically disabled after reaching max triggers',
  });
});
