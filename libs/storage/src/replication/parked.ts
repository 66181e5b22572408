import { createHash } from 'node:crypto';
import type { RegionCode } from '#libs/domain';
import { decodeRow, encodeRow, type InvalidRow, type Missing, type ParkedRow, type ReplicaRow } from '#libs/replication';
import type { Pool, PoolClient } from 'pg';

/** Unreadable rows have no key of their own; they are kept under this one, by the hash of what came. */
const invalidKey = { space: -1, ns: '00000000-0000-0000-0000-000000000000' };
/** Characters of an unreadable row that are kept for its examination. */
const invalidLengthMax = 1_000_000;

/** Puts rows aside until what they miss is here. Of one key and origin only the newest waits. */
export async function park(client: PoolClient, parked: readonly { row: ReplicaRow; missing: Missing }[]): Promise<void> {
  for (const { row, missing } of parked)
    await client.query(
      `insert into entity_parked (space, ns, path, origin, hlc, row, missing, since) values ($1, $2, $3, $4, $5, $6, $7, now())
       on conflict (space, ns, path, origin) do update set hlc = excluded.hlc, row = excluded.row, missing = excluded.missing
        where excluded.hlc > entity_parked.hlc or (excluded.hlc = entity_parked.hlc and excluded.missing is distinct from entity_parked.missing)`,
      [row.space, row.ns, row.path, row.origin, row.hlc, JSON.stringify(encodeRow(row)), JSON.stringify(missing)],
    );
}

/** Ends the wait of rows that are visible now or have lost to what is; older ones of the same key and origin go with them. */
export async function unpark(client: PoolClient, rows: readonly ReplicaRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query(
    `delete from entity_parked p using unnest($1::smallint[], $2::uuid[], $3::text[], $4::smallint[], $5::bigint[]) as done (space, ns, path, origin, hlc)
      where p.space = done.space and p.ns = done.ns and p.path = done.path and p.origin = done.origin and p.hlc <= done.hlc`,
    [rows.map((r) => r.space), rows.map((r) => r.ns), rows.map((r) => r.path), rows.map((r) => r.origin), rows.map((r) => r.hlc)],
  );
}

/** Keeps rows that cannot be read, with the reason, for an operator; the same row is kept once. */
export async function parkInvalid(client: PoolClient, origin: RegionCode, rows: readonly InvalidRow[]): Promise<void> {
  for (const { raw, reason } of rows) {
    const text = JSON.stringify(raw).slice(0, invalidLengthMax);
    await client.query(
      `insert into entity_parked (space, ns, path, origin, hlc, row, missing, since) values ($1, $2, $3, $4, 0, $5, $6, now())
       on conflict (space, ns, path, origin) do nothing`,
      [
        invalidKey.space,
        invalidKey.ns,
        `invalid/${createHash('sha256').update(text).digest('hex')}`,
        origin,
        JSON.stringify(text),
        JSON.stringify({ invalid: reason }),
      ],
    );
  }
}

/** A page of parked rows by key, past `after` (empty for the first page); `next` is undefined on the last page. */
export async function readParked(pool: Pool, after: string, limit: number): Promise<{ rows: ParkedRow[]; next: string | undefined }> {
  const [space, ns, path, origin] = after === '' ? [-1, invalidKey.ns, '', 0] : (JSON.parse(after) as [number, string, string, number]);
  const { rows } = await pool.query<{ space: number; ns: string; path: string; origin: RegionCode; row: string; missing: Missing }>(
    `select space, ns, path, origin, row, missing from entity_parked
      where space >= 0 and (space, ns, path, origin) > ($1::smallint, $2::uuid, $3::text, $4::smallint)
      order by space, ns, path, origin limit $5`,
    [space, ns, path, origin, limit],
  );
  const last = rows.at(-1);
  return {
    rows: rows.flatMap(({ origin, row, missing }) => {
      const decoded = decodeRow(JSON.parse(row));
      return 'row' in decoded ? [{ row: decoded.row, missing, origin }] : [];
    }),
    next: last && rows.length === limit ? JSON.stringify([last.space, last.ns, last.path, last.origin]) : undefined,
  };
}
