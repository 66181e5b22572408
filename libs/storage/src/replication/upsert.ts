import type { EntityKey } from '#libs/domain';
import type { ReplicaRow } from '#libs/replication';
import type { PoolClient } from 'pg';
import { keyArrays } from './rows.js';

/** A row that the database refuses, though it was readable. */
export interface Refused {
  readonly row: ReplicaRow;
  readonly reason: string;
}

/**
 * Makes rows visible, each unless a newer version stands, and returns the keys that changed. One statement for all; when the database refuses
 * the data of one of them, they are written one by one and that one is returned in `refused`, so that it takes no other with it.
 */
export async function upsertRows(client: PoolClient, rows: readonly ReplicaRow[]): Promise<{ changed: EntityKey[]; refused: Refused[] }> {
  if (rows.length === 0) return { changed: [], refused: [] };
  try {
    return { changed: await guarded(client, rows), refused: [] };
  } catch (cause) {
    if (!isDataFault(cause)) throw cause;
    const only = rows[0];
    if (rows.length === 1 && only) return { changed: [], refused: [{ row: only, reason: (cause as Error).message }] };
  }
  const changed: EntityKey[] = [];
  const refused: Refused[] = [];
  for (const row of rows) {
    const one = await upsertRows(client, [row]);
    changed.push(...one.changed);
    refused.push(...one.refused);
  }
  return { changed, refused };
}

async function guarded(client: PoolClient, rows: readonly ReplicaRow[]): Promise<EntityKey[]> {
  await client.query('savepoint upsert');
  try {
    const result = await client.query<{ space: EntityKey['space']; ns: EntityKey['ns']; path: string }>(upsertSql, [
      ...keyArrays(rows),
      rows.map((r) => r.kind),
      rows.map((r) => r.entityId),
      rows.map((r) => r.hlc),
      rows.map((r) => r.origin),
      rows.map((r) => r.schema),
      rows.map((r) => r.deleted),
      rows.map((r) => r.doc),
      rows.map((r) => r.sealed),
      rows.map((r) => r.blob),
      rows.map((r) => JSON.stringify(r.requires)),
      rows.map((r) => r.updated),
      rows.map((r) => r.createdHlc),
      rows.map((r) => JSON.stringify(r.seen)),
      rows.map((r) => (Object.keys(r.extra).length === 0 ? null : JSON.stringify(r.extra))),
    ]);
    await client.query('release savepoint upsert');
    return result.rows;
  } catch (cause) {
    await client.query('rollback to savepoint upsert');
    throw cause;
  }
}

const upsertSql = `
insert into entity (space, ns, path, kind, entity_id, hlc, origin, schema, deleted, doc, sealed, blob, requires, updated, created_hlc, seen, extra)
select space, ns, path, kind, entity_id, hlc, origin, schema, deleted, doc, decode(sealed, 'base64'), blob, requires::jsonb, updated, created_hlc,
       seen::jsonb, extra::json
  from unnest($1::smallint[], $2::uuid[], $3::text[], $4::smallint[], $5::uuid[], $6::bigint[], $7::smallint[], $8::smallint[], $9::boolean[],
              $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::text[], $17::text[])
    as row (space, ns, path, kind, entity_id, hlc, origin, schema, deleted, doc, sealed, blob, requires, updated, created_hlc, seen, extra)
 order by space, ns, path
on conflict (space, ns, path) do update set
  kind = excluded.kind, entity_id = excluded.entity_id, hlc = excluded.hlc, origin = excluded.origin, schema = excluded.schema,
  deleted = excluded.deleted, doc = excluded.doc, sealed = excluded.sealed, blob = excluded.blob, requires = excluded.requires,
  updated = excluded.updated, created_hlc = excluded.created_hlc, seen = excluded.seen, extra = excluded.extra,
  change_xid = pg_current_xact_id()
 where (excluded.hlc, excluded.origin) > (entity.hlc, entity.origin)
returning space, ns, path`;

/** Bad data, a broken constraint or a value past a limit of the database: the row's own fault, which trying again does not mend. */
function isDataFault(cause: unknown): boolean {
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' && /^(22|23|54)/.test(code);
}
