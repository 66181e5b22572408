import type { EntityKey, Hlc } from '#libs/domain';
import type { Cursor, ReplicaRow, Seen } from '#libs/replication';
import { columns, toEntityRow, type DatabaseRow } from '../entities/rows.js';

/** A row of the entity table as `replicaColumns` selects it. */
export interface ReplicaRecord extends DatabaseRow {
  created_hlc: string;
  seen: Seen;
  extra: Record<string, unknown> | null;
}

/** The columns of the entity table that travel. */
export const replicaColumns = `${columns}, created_hlc, seen, extra`;

/** The row that a record of the table is. */
export function toReplicaRow(record: ReplicaRecord): ReplicaRow {
  return {
    ...toEntityRow(record),
    sealed: record.sealed?.toString('base64') ?? null,
    createdHlc: record.created_hlc as Hlc,
    seen: record.seen,
    extra: record.extra ?? {},
  };
}

/** Keys as three parallel arrays, for `unnest($1::smallint[], $2::uuid[], $3::text[])`. */
export function keyArrays(keys: readonly EntityKey[]): [number[], string[], string[]] {
  return [keys.map((k) => k.space), keys.map((k) => k.ns), keys.map((k) => k.path)];
}

/** The place behind a row: its transaction and its key. */
export function cursorBehind(xid: string, key: EntityKey): Cursor {
  return { xid, key: `${key.space}/${key.ns}/${key.path}` };
}

/** A place as values to compare `(change_xid, space, ns, path)` with. Throws on a key that no cursor of ours has. */
export function cursorValues(cursor: Cursor): [string, number, string, string] {
  if (cursor.key === '') return [cursor.xid, -32_768, '00000000-0000-0000-0000-000000000000', ''];
  const match = /^(-?\d{1,5})\/([0-9a-f-]{36})\/(.*)$/s.exec(cursor.key);
  if (!match) throw new Error(`not a place in a feed: ${cursor.key}`);
  return [cursor.xid, Number(match[1]), match[2] ?? '', match[3] ?? ''];
}
