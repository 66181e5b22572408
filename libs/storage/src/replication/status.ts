import type { RegionCode } from '#libs/domain';
import type { Circuit, FeedPosition, PeerStatus } from '#libs/replication';
import type { Pool } from 'pg';

/** Publishes what operators see of the lines to the peers: one row each, replaced at every call. */
export async function writePeerStatus(pool: Pool, statuses: readonly PeerStatus[]): Promise<void> {
  if (statuses.length === 0) return;
  await pool.query(
    `insert into repl_peer_status (peer, lag_ms, pending, state, feed_epoch, acked_xid, acked_key, at)
     select peer, lag_ms, pending, state, feed_epoch, acked_xid::xid8, acked_key, now()
       from unnest($1::smallint[], $2::bigint[], $3::int[], $4::text[], $5::uuid[], $6::text[], $7::text[])
         as s (peer, lag_ms, pending, state, feed_epoch, acked_xid, acked_key)
     on conflict (peer) do update set lag_ms = excluded.lag_ms, pending = excluded.pending, state = excluded.state, at = excluded.at,
       feed_epoch = coalesce(excluded.feed_epoch, repl_peer_status.feed_epoch),
       acked_xid = coalesce(excluded.acked_xid, repl_peer_status.acked_xid), acked_key = coalesce(excluded.acked_key, repl_peer_status.acked_key)`,
    [
      statuses.map((s) => s.peer),
      statuses.map((s) => Math.round(s.lagMs)),
      statuses.map((s) => s.pending),
      statuses.map((s) => s.state),
      statuses.map((s) => s.acked?.epoch ?? null),
      statuses.map((s) => s.acked?.cursor.xid ?? null),
      statuses.map((s) => s.acked?.cursor.key ?? null),
    ],
  );
}

interface StatusRecord {
  peer: RegionCode;
  lag_ms: string;
  pending: number;
  state: Circuit;
  feed_epoch: string | null;
  acked_xid: string | null;
  acked_key: string | null;
  at: Date;
}

/** What the leader published last, with the time (epoch ms) of each; the acknowledged place is the peer's last known one. */
export async function readPeerStatus(pool: Pool): Promise<(PeerStatus & { readonly atMs: number })[]> {
  const { rows } = await pool.query<StatusRecord>(
    'select peer, lag_ms, pending, state, feed_epoch, acked_xid::text as acked_xid, acked_key, at from repl_peer_status order by peer',
  );
  return rows.map((row) => {
    const status = { peer: row.peer, lagMs: Number(row.lag_ms), pending: row.pending, state: row.state, atMs: row.at.getTime() };
    const acked = toAcked(row);
    return acked ? { ...status, acked } : status;
  });
}

function toAcked(row: StatusRecord): FeedPosition | undefined {
  if (row.feed_epoch === null || row.acked_xid === null || row.acked_key === null) return undefined;
  return { epoch: row.feed_epoch, cursor: { xid: row.acked_xid, key: row.acked_key } };
}
