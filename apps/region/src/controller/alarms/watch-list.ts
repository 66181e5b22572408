import type { EntityRow, NamespaceId } from '#libs/domain';
import type { AlarmFire } from '#libs/storage';
import { alarmOf, type Alarm } from './alarm.js';
import { DueHeap } from './due-heap.js';
import { latestDue, timesOf, type Times } from './timetable.js';

/** What was due no longer ago is made up for, once, when the watch changes hands or was away: ms. What is due once is made up for always. */
const graceMs = 30_000;

/** After how long what could not be seen to is looked at again: at first, and at most. */
const unseenMinMs = 5000;
const unseenMaxMs = 300_000;

/** An alarm under watch that is due at `dueMs`. */
export interface Watched {
  readonly key: string;
  readonly alarm: Alarm;
  readonly times: Times;
  /** The time for which it goes off next, epoch ms. */
  readonly dueMs: number;
  /** The right to go off for that time, where it is had already. */
  readonly claimed: AlarmFire | undefined;
  /** Tries to fire that failed so far, and how many of them for want of room. */
  readonly tries: number;
  readonly throttled: number;
  /** How often in a row it could not be seen to at all. */
  readonly unseen: number;
}

interface Entry {
  readonly alarm: Alarm;
  readonly times: Times;
  /** The latest time that was seen to, here or elsewhere. */
  passedMs: number;
  /** What waits in the heap or is being seen to; anything else in the heap counts no more. */
  next: Watched | undefined;
}

/** The alarms under watch and what is due of them. Each has one time that is next; while that is seen to, there is no other. */
export class WatchList {
  private readonly entries = new Map<string, Entry>();
  private readonly heap = new DueHeap<Watched>();
  private readonly fires: Map<string, AlarmFire>;

  /** `fires` are the last ones of the region; `unreadable` hears of rows that are none of this version's. */
  constructor(
    fires: readonly AlarmFire[],
    private readonly unreadable: (row: EntityRow, cause: unknown) => void,
  ) {
    this.fires = new Map(fires.map((fire) => [keyOf(fire), fire]));
  }

  /** When the next one is due; undefined where none is. */
  get nextMs(): number | undefined {
    return this.heap.nextMs;
  }

  /** Takes over rows that may have changed, and returns those that are gone. */
  take(rows: readonly EntityRow[], nowMs: number): { readonly ns: NamespaceId; readonly path: string }[] {
    const gone: EntityRow[] = [];
    for (const row of rows) {
      const key = keyOf(row);
      const standing = this.entries.get(key);
      if (row.deleted) {
        if (standing || this.fires.has(key)) gone.push(row);
        this.entries.delete(key);
        this.fires.delete(key);
      } else if (standing?.alarm.hlc !== row.hlc) {
        this.put(key, row, standing, nowMs);
      }
    }
    return gone;
  }

  /** One that is due by now and still counts. */
  due(nowMs: number): Watched | undefined {
    for (;;) {
      const watched = this.heap.pop(nowMs);
      if (!watched || this.entries.get(watched.key)?.next === watched) return watched;
    }
  }

  /** What was due has been seen to: the next time comes. */
  passed({ key, alarm, dueMs }: Watched, nowMs: number): void {
    const entry = this.entries.get(key);
    if (entry?.alarm.id !== alarm.id) return;
    entry.passedMs = Math.max(entry.passedMs, dueMs);
    this.fires.delete(key);
    this.plan(key, entry, nowMs);
  }

  /** What was due is left to others; or looked at again in `lookAgainMs`. */
  leave(watched: Watched, nowMs: number, lookAgainMs: number | undefined): void {
    if (lookAgainMs === undefined) this.passed(watched, nowMs);
    else this.wait({ ...watched }, watched, nowMs + lookAgainMs);
  }

  /** What was due could not be seen to at all, and is looked at again, each time after twice as long. */
  unseen(watched: Watched, nowMs: number): void {
    const { unseen } = watched;
    this.wait({ ...watched, unseen: unseen + 1 }, watched, nowMs + Math.min(unseenMinMs * 2 ** unseen, unseenMaxMs));
  }

  /** The alarm is gone, without anybody having told: unless it has changed meanwhile, it is watched no more. */
  drop(watched: Watched): void {
    if (this.entries.get(watched.key)?.next !== watched) return;
    this.entries.delete(watched.key);
    this.fires.delete(watched.key);
  }

  /** A try failed and comes again at `atMs`. */
  again(watched: Watched, claimed: AlarmFire, atMs: number, throttled: number): void {
    this.wait({ ...watched, claimed, tries: watched.tries + 1, throttled, unseen: 0 }, watched, atMs);
  }

  private wait(next: Watched, before: Watched, atMs: number): void {
    const entry = this.entries.get(before.key);
    if (entry?.next !== before) return;
    entry.next = next;
    this.heap.push(atMs, next);
  }

  private put(key: string, row: EntityRow, standing: Entry | undefined, nowMs: number): void {
    try {
      const alarm = alarmOf(row);
      const times = timesOf(alarm.timetable, nowMs);
      const last = this.fires.get(key);
      const same = standing?.alarm.id === alarm.id ? standing.passedMs : 0;
      const known = last?.alarm === alarm.id ? last.dueMs : 0;
      const entry: Entry = { alarm, times, passedMs: Math.max(same, known, alarm.fired ?? 0), next: undefined };
      this.entries.set(key, entry);
      // What was claimed and not seen to the end is taken up again: under the same ids it can only be made once.
      if (last?.alarm === alarm.id && !last.done && alarm.status.active && isFresh(alarm, last, nowMs)) {
        this.schedule(key, entry, last.dueMs, last);
      } else this.plan(key, entry, nowMs);
    } catch (cause) {
      this.entries.delete(key);
      this.unreadable(row, cause);
    }
  }

  private plan(key: string, entry: Entry, nowMs: number): void {
    const { alarm, times, passedMs } = entry;
    entry.next = undefined;
    if (!alarm.status.active) return;
    const once = alarm.timetable.kind === 'once';
    const afterMs = once ? passedMs : Math.max(passedMs, alarm.status.dateChanged, nowMs - graceMs);
    const dueMs = latestDue(times, afterMs, nowMs);
    if (dueMs !== undefined) this.schedule(key, entry, dueMs, undefined);
  }

  private schedule(key: string, entry: Entry, dueMs: number, claimed: AlarmFire | undefined): void {
    entry.next = { key, alarm: entry.alarm, times: entry.times, dueMs, claimed, tries: 0, throttled: 0, unseen: 0 };
    this.heap.push(dueMs, entry.next);
  }
}

/** Whether it makes sense to take up a fire again. */
function isFresh({ timetable }: Alarm, { claimedMs }: AlarmFire, nowMs: number): boolean {
  return timetable.kind === 'once' || nowMs - claimedMs < 2 * graceMs;
}

function keyOf({ ns, path }: { readonly ns: NamespaceId; readonly path: string }): string {
  return `${ns} ${path}`;
}
