import type { EntityRow } from '#libs/domain';
import type pg from 'pg';
import { ask } from '../pools.js';

/** What became of a row: it is the newest now, an older one than what stands, or the very version that stands. */
export type Applied = 'applied' | 'older' | 'equal';

/**
 * The merge: the row becomes visible unless a newer version stands, by (hlc, origin). Local writes, seeds and tests go through it;
 * replication applies whole batches by the same rule. Applying twice is once, and the order of rows does not matter.
 */
export async function applyRow(client: pg.ClientBase | pg.Pool, row: EntityRow): Promise<Applied> {
  const written = await ask(client, { name: 'entity-merge', text: merge, values: valuesOf(row) });
  if (written.length === 1) return 'applied';
  const [standing] = await ask<{ hlc: string; origin: number }>(client, {
    text: 'select hlc, origin from entity where space = $1 and ns = $2 and path = $3',
    values: [row.space, row.ns, row.path],
  });
  return standing?.hlc === row.hlc && standing.origin === row.origin ? 'equal' : 'older';
}

const merge = `
insert into entity (space, ns, path, kind, entity_id, hlc, origin, schema, deleted, doc, sealed, blob, requires, updated, created_hlc)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $6)
on conflict (space, ns, path) do update set
  kind = excluded.kind, entity_id = excluded.entity_id, hlc = excluded.hlc, origin = excluded.origin, schema = excluded.schema,
  deleted = excluded.deleted, doc = excluded.doc, sealed = excluded.sealed, blob = excluded.blob, requires = excluded.requires,
  updated = excluded.updated,
  created_hlc = case when entity.entity_id = excluded.entity_id then entity.created_hlc else excluded.created_hlc end,
  change_xid = pg_current_xact_id()
where (excluded.hlc, excluded.origin) > (entity.hlc, entity.origin)
returning 1`;

function valuesOf(row: EntityRow): unknown[] {
  return [
    row.space,
    row.ns,
    row.path,
    row.kind,
    row.entityId,
    row.hlc,
    row.origin,
    row.schema,
    row.deleted,
    row.doc,
    row.sealed === null ? null : Buffer.from(row.sealed),
    row.blob,
    JSON.stringify(row.requires),
    row.updated,
  ];
}
