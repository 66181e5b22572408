import type { AlarmFire } from '#libs/storage';
import { docOf, type Alarm, type AlarmDoc } from './alarm.js';
import type { Times } from './timetable.js';

/** What becomes of an alarm that went off. */
export type End =
  | { readonly kind: 'stays' }
  | { readonly kind: 'delete'; readonly withRules: boolean }
  | { readonly kind: 'disable'; readonly message: string };

/** What becomes of an alarm after a fire; the texts are those of OpenWhisk's alarms provider. */
export function endOf({ timetable }: Alarm, times: Times, { dueMs, fires }: Pick<AlarmFire, 'dueMs' | 'fires'>): End {
  if (timetable.kind === 'once') {
    const after = timetable.deleteAfterFire ?? 'false';
    if (after !== 'false') return { kind: 'delete', withRules: after === 'rules' };
    return { kind: 'disable', message: 'Automatically disabled after firing once' };
  }
  if (times.after(dueMs) === undefined) {
    return { kind: 'disable', message: `Automatically disabled after firing last scheduled ${timetable.kind} trigger` };
  }
  if (timetable.kind === 'cron' && timetable.maxTriggers !== undefined && fires >= timetable.maxTriggers) {
    return { kind: 'disable', message: 'Automatically disabled after reaching max triggers' };
  }
  return { kind: 'stays' };
}

/** An alarm that goes off no more, with the reason; undefined where that is so already. */
export function disabled(alarm: AlarmDoc, nowMs: number, message: string, statusCode?: number): AlarmDoc | undefined {
  if (!alarm.status.active) return undefined;
  const reason = { kind: 'AUTO', ...(statusCode === undefined ? {} : { statusCode }), message } as const;
  return { ...docOf(alarm), status: { active: false, dateChanged: nowMs, reason } };
}
