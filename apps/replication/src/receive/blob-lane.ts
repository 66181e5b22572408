import { ObjectStore, type RegionCode } from '#libs/domain';
import { backoffMs } from '#libs/replication';
import { Logger } from '#libs/telemetry';
import { PeerLinks } from '../peer-links.js';
import { WorldView } from '../world-view.js';

/** Downloads at once. */
const lanes = 4;
/** Addresses that may wait for a lane; more are left to the next round of parking. */
const waitingMax = 2000;
/** Longest that one download may take. */
const downloadMs = 300_000;

/**
 * Brings code that this region lacks, from the region that sent the row or else any other, a few at a time. Bytes are checked against their
 * address before they are stored. A download goes on when nobody waits for it any more; `onArrival` tells of its end.
 */
export class BlobLane {
  /** Addresses that nobody had, with when to try again; the oldest are forgotten. */
  private readonly failed = new Map<string, { failures: number; againAtMs: number }>();
  private readonly under = new Map<string, Promise<boolean>>();
  private readonly queue: (() => void)[] = [];
  private busy = 0;
  private readonly arrivals: (() => void)[] = [];
  private closed = false;

  constructor(
    private readonly objects: ObjectStore,
    private readonly world: WorldView,
    private readonly links: PeerLinks,
    private readonly log: Logger,
  ) {}

  /** Which of the addresses are stored here, after bringing what can be brought within `waitMs` from `sender` or another peer. */
  async gather(addresses: Iterable<string>, sender: RegionCode, waitMs: number): Promise<Set<string>> {
    const wanted = [...new Set(addresses)];
    const here = new Set<string>();
    const absent: string[] = [];
    for (let i = 0; i < wanted.length; i += 16)
      await Promise.all(
        wanted.slice(i, i + 16).map(async (address) => ((await this.objects.has(address)) ? here.add(address) : absent.push(address))),
      );
    if (absent.length === 0) return here;
    const brought = Promise.all(absent.map(async (address) => (await this.bring(address, sender)) && here.add(address)));
    await within(brought, waitMs);
    return new Set(here);
  }

  /** Calls `listener` after each piece of code that arrived. */
  onArrival(listener: () => void): void {
    this.arrivals.push(listener);
  }

  /** Starts no more downloads; those under way end with their lines. */
  close(): void {
    this.closed = true;
  }

  private bring(address: string, sender: RegionCode): Promise<boolean> {
    const running = this.under.get(address);
    if (running) return running;
    if (this.queue.length >= waitingMax || this.closed) return Promise.resolve(false);
    if ((this.failed.get(address)?.againAtMs ?? 0) > Date.now()) return Promise.resolve(false);
    const download = this.inLane(() => this.download(address, sender)).finally(() => this.under.delete(address));
    this.under.set(address, download);
    return download.then((brought) => this.note(address, brought));
  }

  private note(address: string, brought: boolean): boolean {
    const failures = (this.failed.get(address)?.failures ?? 0) + 1;
    this.failed.delete(address);
    if (!brought) this.failed.set(address, { failures, againAtMs: Date.now() + backoffMs(failures, Math.random()) });
    const [oldest] = this.failed.keys();
    if (this.failed.size > waitingMax && oldest !== undefined) this.failed.delete(oldest);
    return brought;
  }

  private async inLane(work: () => Promise<boolean>): Promise<boolean> {
    if (this.busy >= lanes) await new Promise<void>((free) => this.queue.push(free));
    else this.busy += 1;
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.busy -= 1;
    }
  }

  private async download(address: string, sender: RegionCode): Promise<boolean> {
    for (const link of this.links.to(this.world.peersFrom(sender))) {
      if (this.closed) return false;
      try {
        const bytes = await link.blob(address, AbortSignal.timeout(downloadMs));
        if (!bytes) continue;
        if ((await this.objects.put(bytes)) !== address) throw new Error('stored code got another address than it has');
        for (const listener of this.arrivals) listener();
        return true;
      } catch (cause) {
        if (!this.closed) this.log.warn('code could not be brought from a peer', { peer: link.region.id, address }, cause);
      }
    }
    return false;
  }
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
