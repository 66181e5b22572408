import { EventBus, type EntityKey, type WorldRegion } from '#libs/domain';
import { decodeRow, judgeBatch, ReplicaStore, type Applied, type FeedPosition, type InvalidRow, type ReplicaRow } from '#libs/replication';
import { Logger } from '#libs/telemetry';
import type { Batch } from '../protocol.js';
import { BlobLane } from './blob-lane.js';

/** How long a batch waits for the code of its rows before it is applied without; what is late is parked, and its download goes on. */
const blobWaitMs = 2000;

/** Takes batches of peers: brings code first, then applies the rows and moves the peer's place in one transaction, then tells the region's caches. */
export class Receiver {
  private readonly settled: (() => void)[] = [];

  constructor(
    private readonly store: ReplicaStore,
    private readonly blobs: BlobLane,
    private readonly bus: EventBus,
    private readonly log: Logger,
  ) {}

  /** Where this region stands in the peer's feed. */
  position(peer: WorldRegion): Promise<FeedPosition | undefined> {
    return this.store.position(peer.code);
  }

  /** Applies a batch, unless it is not the next one of its feed. */
  async receive(peer: WorldRegion, batch: Batch): Promise<Applied> {
    const judgement = judgeBatch(await this.store.position(peer.code), batch);
    if (judgement.kind !== 'take') return { judgement, changed: [], parked: 0, conflicts: 0, invalid: [] };
    const { rows, invalid } = decodeRows(batch.rows);
    const blobs = await this.blobs.gather(codeOf(rows), peer.code, blobWaitMs);
    const applied = await this.store.take(peer.code, batch, { rows, invalid, blobs });
    await this.announce(applied, peer);
    if (applied.changed.length > 0 || applied.parked > 0) this.settle();
    return applied;
  }

  /** Applies rows that came outside the feed: parents that were asked for, and parked rows that may be ready. Returns how many became visible. */
  async merge(rows: readonly ReplicaRow[], blobs: ReadonlySet<string>): Promise<number> {
    const applied = await this.store.merge(rows, blobs);
    await this.announce(applied);
    if (applied.changed.length > 0) this.settle();
    return applied.changed.length;
  }

  /** Calls `listener` after rows were applied or parked: what waits may be ready. */
  onSettled(listener: () => void): void {
    this.settled.push(listener);
  }

  private async announce(applied: Applied, peer?: WorldRegion): Promise<void> {
    const from = { peer: peer?.id };
    if (applied.parked > 0) this.log.debug('rows were parked', { ...from, rows: applied.parked });
    if (applied.conflicts > 0) this.log.log('losers of concurrent writes were kept', { ...from, rows: applied.conflicts });
    if (applied.invalid.length > 0)
      this.log.warn('unreadable rows were put aside', { ...from, rows: applied.invalid.length, reason: applied.invalid[0] });
    await Promise.all(applied.changed.map((key) => this.publish(key)));
  }

  private settle(): void {
    for (const listener of this.settled) listener();
  }

  /** Best effort: the rows are committed, and every cache has a safety net of its own. */
  private async publish({ space, ns, path }: EntityKey): Promise<void> {
    try {
      await this.bus.publish({ topic: 'entity.changed', key: { space, ns, path } });
    } catch (cause) {
      this.log.warn('a change could not be announced', { space, path }, cause);
    }
  }
}

/** Addresses of the code that rows need. */
export function codeOf(rows: readonly ReplicaRow[]): string[] {
  return rows.flatMap((row) => (row.blob === null || row.deleted ? [] : [row.blob]));
}

/** Reads rows one by one; those that cannot be read come back with the reason. */
export function decodeRows(raw: readonly unknown[]): { rows: ReplicaRow[]; invalid: InvalidRow[] } {
  const rows: ReplicaRow[] = [];
  const invalid: InvalidRow[] = [];
  for (const one of raw) {
    const decoded = decodeRow(one);
    if ('row' in decoded) rows.push(decoded.row);
    else invalid.push({ raw: one, reason: decoded.invalid });
  }
  return { rows, invalid };
}
