import type { EntityKey } from '#libs/domain';
import { compareVersions, encodeRow, keyText, type ApplyPlan, type MergeState, type ReplicaRow, type Version } from '#libs/replication';
import type { PoolClient } from 'pg';
import { readRows } from './feed.js';

/** Keeps the losers of concurrent writes, before the winners replace them, and returns how many. The same loser is kept once. */
export async function keepConflicts(client: PoolClient, plan: ApplyPlan, current: ReadonlyMap<string, MergeState>): Promise<number> {
  const winners = new Map(plan.overwritten.map((row) => [keyText(row), row]));
  const overwritten = await readRows(client, plan.overwritten);
  for (const loser of overwritten) await keep(client, loser, winners.get(keyText(loser)));
  for (const loser of plan.lost) await keep(client, loser, current.get(keyText(loser)));
  return overwritten.length + plan.lost.length;
}

async function keep(client: PoolClient, loser: ReplicaRow, winner: Version | undefined): Promise<void> {
  if (!winner || compareVersions(winner, loser) <= 0) return;
  const key: EntityKey = loser;
  await client.query(
    `insert into entity_conflict (space, ns, path, winner_hlc, winner_origin, loser, at)
     select $1::smallint, $2::uuid, $3::text, $4::bigint, $5::smallint, $6::text, now()
      where not exists (select 1 from entity_conflict where space = $1 and ns = $2 and path = $3 and loser = $6)`,
    [key.space, key.ns, key.path, winner.hlc, winner.origin, JSON.stringify(encodeRow(loser))],
  );
}
