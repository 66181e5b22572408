import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ReplicaStore, type ParkedRow } from '#libs/replication';
import { Logger } from '#libs/telemetry';
import { pause } from '../push/nudges.js';
import { Bell } from './bell.js';
import { BlobLane } from './blob-lane.js';
import { ParkingPeers } from './parking-peers.js';
import { codeOf, decodeRows, Receiver } from './receiver.js';

const pageRows = 200;
/** Shortest and longest wait between two rounds that nothing called for. */
const roundMs = { least: 1000, most: 30_000, restMost: 5000 };
/** Rounds rest this many times as long as they took, so that many parked rows in a busy stream do not take the region's database. */
const restFactor = 4;
const blobWaitMs = 5000;

/**
 * Frees parked rows. A round tries all of them again: at once when rows or code arrived, else on a timer, and then it asks for what is missing
 * first: the region that wrote the row must have had it. The previous visible version serves meanwhile.
 */
@Injectable()
export class Parking implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stop = new AbortController();
  private readonly bell = new Bell();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: ReplicaStore,
    private readonly receiver: Receiver,
    private readonly blobs: BlobLane,
    private readonly peers: ParkingPeers,
    private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.receiver.onSettled(() => this.bell.ring());
    this.blobs.onArrival(() => this.bell.ring());
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    this.blobs.close();
    await this.running;
  }

  private async run(): Promise<void> {
    let waitMs: number = roundMs.least;
    while (!this.stop.signal.aborted) {
      const timed = !this.bell.rung;
      this.bell.heard();
      const startedMs = Date.now();
      try {
        const freed = await this.round(timed);
        waitMs = freed > 0 || !timed ? roundMs.least : Math.min(waitMs * 2, roundMs.most);
      } catch (cause) {
        if (!this.stop.signal.aborted) this.log.warn('parked rows could not be tried again', {}, cause);
        await pause(roundMs.least, this.stop.signal);
      }
      await pause(Math.min((Date.now() - startedMs) * restFactor, roundMs.restMost), this.stop.signal);
      await this.bell.wait(waitMs, this.stop.signal);
    }
  }

  /** Tries every parked row once, page by page, and returns how many became visible. */
  private async round(ask: boolean): Promise<number> {
    let freed = 0;
    for (let after: string | undefined = ''; after !== undefined && !this.stop.signal.aborted;) {
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
      const asked = ask ? decodeRows(await this.peers.missing(ofOrigin, origin)).rows : [];
      const rows = [...asked, ...ofOrigin.map((one) => one.row)];
      const blobs = await this.blobs.gather(codeOf(rows), origin, ask ? blobWaitMs : 0);
      freed += await this.receiver.merge(rows, blobs);
    }
    return freed;
  }
}
