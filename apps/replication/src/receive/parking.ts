import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { EntityKey } from '#libs/domain';
import { keyText, ReplicaStore, type ParkedRow } from '#libs/replication';
import { Logger } from '#libs/telemetry';
import { PeerLinks } from '../peer-links.js';
import { keysMax } from '../protocol.js';
import { Nudges } from '../push/nudges.js';
import { WorldView } from '../world-view.js';
import { BlobLane } from './blob-lane.js';
import { codeOf, decodeRows, Receiver } from './receiver.js';

const pageRows = 200;
/** Shortest and longest wait between two rounds that nothing called for. */
const roundMs = { least: 1000, most: 30_000 };
const blobWaitMs = 5000;

/**
 * Frees parked rows. A round tries all of them again: at once when rows or code arrived, else on a timer, and then it asks for what is missing
 * first: the region that wrote the row must have had it. The previous visible version serves meanwhile.
 */
@Injectable()
export class Parking implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stop = new AbortController();
  private readonly nudges = new Nudges();
  private running: Promise<void> = Promise.resolve();
  private called = false;

  constructor(
    private readonly store: ReplicaStore,
    private readonly receiver: Receiver,
    private readonly blobs: BlobLane,
    private readonly peers: ParkingPeers,
    private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.receiver.onSettled(() => this.call());
    this.blobs.onArrival(() => this.call());
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    this.blobs.close();
    await this.running;
  }

  private call(): void {
    this.called = true;
    this.nudges.heard('');
  }

  private async run(): Promise<void> {
    let waitMs: number = roundMs.least;
    while (!this.stop.signal.aborted) {
      const timed = !this.called;
      this.called = false;
      try {
        const freed = await this.round(timed);
        waitMs = freed > 0 || !timed ? roundMs.least : Math.min(waitMs * 2, roundMs.most);
      } catch (cause) {
        if (!this.stop.signal.aborted) this.log.warn('parked rows could not be tried again', {}, cause);
        await this.nudges.pause('failed', roundMs.least, this.stop.signal);
      }
      if (!this.called) await this.nudges.pause('', waitMs, this.stop.signal);
    }
  }

  /** Tries every parked row once, page by page, and returns how many became visible. */
  private async round(ask: boolean): Promise<number> {
    let freed = 0;
    for (let after: string | undefined = ''; after !== undefined && !this.stop.signal.aborted; ) {
      const page: { rows: readonly ParkedRow[]; next: string | undefined } = await this.store.parked(after, pageRows);
      if (page.rows.length > 0) freed += await this.retry(page.rows, ask);
      after = page.next;
    }
    return freed;
  }

  private async retry(parked: readonly ParkedRow[], ask: boolean): Promise<number> {
    let freed = 0;
    for (const origin of new Set(parked.map((one) => one.origin))) {
      const ofOrigin = parked.filter((one) => one.origin === origin);
      const asked = ask ? decodeRows(await this.peers.rows(missingKeys(ofOrigin), origin)).rows : [];
      const rows = [...asked, ...ofOrigin.map((one) => one.row)];
      const blobs = await this.blobs.gather(codeOf(rows), origin, ask ? blobWaitMs : 0);
      freed += await this.receiver.merge(rows, blobs);
    }
    return freed;
  }
}

/** Asks peers for rows. */
export class ParkingPeers {
  constructor(
    private readonly world: WorldView,
    private readonly links: PeerLinks,
    private readonly log: Logger,
  ) {}

  /** Rows of the keys from the first peer that answers, `origin` first; none when nobody does. Unchecked. */
  async rows(keys: readonly EntityKey[], origin: ParkedRow['origin']): Promise<readonly unknown[]> {
    if (keys.length === 0) return [];
    for (const link of this.links.to(this.world.peersFrom(origin))) {
      try {
        return await link.rows(keys);
      } catch (cause) {
        this.log.warn('a peer did not tell the rows that parked ones need', { peer: link.region.id }, cause);
      }
    }
    return [];
  }
}

function missingKeys(parked: readonly ParkedRow[]): EntityKey[] {
  const keys = parked.flatMap(({ row, missing }) => missing.rows.map(({ space, path }): EntityKey => ({ space: space as EntityKey['space'], ns: row.ns, path })));
  return [...new Map(keys.map((key) => [keyText(key), key])).values()].slice(0, keysMax);
}
