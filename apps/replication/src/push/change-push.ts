import { feedStart, resumeAt, rowSchema, sameCursor, type ChangeFeed, type Cursor, type FeedPosition } from '#libs/replication';
import type { WorldRegion } from '#libs/domain';
import type { PeerLink } from '../peer-link.js';
import { batchBytes, batchRowsMax } from '../protocol.js';

/** How long the peer's place may lag behind what was read, while there is nothing for it to get. */
const heartbeatMs = 10_000;

/**
 * Pushes committed changes to one peer, in the order of the feed, at least once: the peer merges by version, so twice is once. It keeps nothing
 * that matters: the peer's own word says where to go on, so a new one can take over at any moment.
 */
export class ChangePush {
  private acked: Cursor | undefined;
  private scanned: Cursor | undefined;
  private saidAtMs = 0;

  constructor(
    private readonly self: WorldRegion,
    private readonly epoch: string,
    private readonly feed: ChangeFeed,
    private readonly link: PeerLink,
  ) {}

  /** The place that the peer has acknowledged, as far as it is known. */
  get position(): FeedPosition | undefined {
    return this.acked && { epoch: this.epoch, cursor: this.acked };
  }

  /** Sends the next batch. `drained`: the peer has everything that could be read. A failure leaves all for the next call. */
  async step(nowMs: number): Promise<'sent' | 'drained'> {
    this.acked ??= resumeAt(this.epoch, await this.link.position(this.self.id));
    const page = await this.feed.after(this.scanned ?? this.acked, this.query());
    const due = page.rows.length > 0 || (!sameCursor(page.upto, this.acked) && nowMs - this.saidAtMs >= heartbeatMs);
    if (due) await this.send(this.acked, page.upto, page.rows, nowMs);
    else this.scanned = page.upto;
    return page.drained ? 'drained' : 'sent';
  }

  /** Rows that the peer has not acknowledged, and the age of the oldest. */
  pending(known: FeedPosition | undefined): Promise<{ rows: number; oldestMs: number }> {
    const position = this.position ?? known;
    return this.feed.pending(position?.epoch === this.epoch ? position.cursor : feedStart, this.query());
  }

  private async send(after: Cursor, upto: Cursor, rows: Parameters<PeerLink['send']>[0]['rows'], nowMs: number): Promise<void> {
    const answer = await this.link.send({ from: this.self.id, epoch: this.epoch, schema: rowSchema, after, upto, rows });
    this.acked = answer.kind === 'taken' ? upto : resumeAt(this.epoch, answer.position);
    this.scanned = undefined;
    this.saidAtMs = nowMs;
  }

  private query() {
    return { peer: this.link.region.code, relay: false, rowsMax: batchRowsMax, bytesMax: batchBytes };
  }
}
