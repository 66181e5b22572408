import { z } from 'zod';
import type { EntityId, EntityRow, Hlc, NamespaceId, RegionCode } from '#libs/domain';
import { Timetable } from './timetable.js';

/** Why an alarm does not go off. */
const Reason = z.object({ kind: z.literal('AUTO'), statusCode: z.number().optional(), message: z.string() });

/** Whether an alarm goes off, and since when. */
export const AlarmStatus = z.object({ active: z.boolean(), dateChanged: z.number(), reason: Reason.optional() });
export type AlarmStatus = z.infer<typeof AlarmStatus>;

/** The document of an alarm's row. */
export const AlarmDoc = z.object({
  timetable: Timetable,
  /** Name of the namespace: in whose name the trigger is fired. */
  namespace: z.string(),
  /** Code of the region that makes it go off: the one that it was written in last. */
  owner: z.number().int(),
  status: AlarmStatus,
  /** The last time, epoch ms, for which another region made it go off. */
  fired: z.number().optional(),
});
export type AlarmDoc = z.infer<typeof AlarmDoc>;

/** The alarm of a trigger: there is one at most. What it fires the trigger with stays sealed until then. */
export interface Alarm extends AlarmDoc {
  /** Never repeats, though an alarm that is made anew has the same place. */
  readonly id: EntityId;
  readonly hlc: Hlc;
  readonly ns: NamespaceId;
  readonly trigger: string;
  readonly owner: RegionCode;
  readonly sealed: Uint8Array | null;
}

/** The alarm of a visible row. Throws where this version cannot read it. */
export function alarmOf(row: EntityRow): Alarm {
  const doc = AlarmDoc.parse(JSON.parse(row.doc ?? 'null'));
  return { ...doc, owner: doc.owner as RegionCode, id: row.entityId, hlc: row.hlc, ns: row.ns, trigger: row.path, sealed: row.sealed };
}

/** The document of an alarm, without what other regions did for it: as it is kept by those who change something else of it. */
export function docOf({ timetable, namespace, owner, status }: AlarmDoc): AlarmDoc {
  return { timetable, namespace, owner, status };
}
