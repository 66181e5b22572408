import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { backoffMs, ChangeFeed, circuit, type PeerStatus } from '#libs/replication';
import type { Lead } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { RegionDatabase } from '../region-database.js';
import { PeerLinks } from '../peer-links.js';
import { WorldView } from '../world-view.js';
import { ChangePush } from './change-push.js';
import { Nudges, pause } from './nudges.js';

/** Longest that a change waits when its notification got lost. */
const pollMs = 1000;
const statusMs = 1000;

interface Line {
  readonly push: ChangePush;
  failures: number;
  drained: boolean;
}

/**
 * Drives the pushes to every peer while this process leads its region. Each peer has a loop of its own, so that one that is down or slow holds
 * nobody else up; it is tried again at growing intervals, and at once when it speaks to us. Also publishes, each second, how far each peer is.
 */
@Injectable()
export class PushLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stop = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly world: WorldView,
    private readonly database: RegionDatabase,
    private readonly feed: ChangeFeed,
    private readonly links: PeerLinks,
    private readonly nudges: Nudges,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.database.leadPush(this.stop.signal, (lead) => this.lead(lead));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.links.close();
    await this.running;
  }

  private async lead(lead: Lead): Promise<void> {
    const log = this.database.log;
    const epoch = await this.feed.epoch();
    log.log('pushing the changes of this region', { epoch });
    const lines = this.links.all.map((link): [string, Line] => [
      link.region.id,
      { push: new ChangePush(this.world.self, epoch, this.feed, link), failures: 0, drained: false },
    ]);
    await Promise.all([
      ...lines.map(([peer, line]) => this.drive(peer, line, lead, log.with({ peer }))),
      this.publish(new Map(lines), lead),
    ]);
    log.log('pushing ended');
  }

  private async drive(peer: string, line: Line, lead: Lead, log: Logger): Promise<void> {
    while (!lead.signal.aborted) {
      const seen = lead.changes();
      try {
        line.drained = (await line.push.step(Date.now())) === 'drained';
        if (line.failures > 0) log.log('the peer can be reached again', { failures: line.failures });
        line.failures = 0;
        if (line.drained) await lead.woken(seen, pollMs);
      } catch (cause) {
        line.drained = false;
        line.failures += 1;
        if (line.failures === 1 && !lead.signal.aborted) log.warn('a push failed and will be tried again', {}, cause);
        await this.nudges.pause(peer, backoffMs(line.failures, Math.random()), lead.signal);
      }
    }
  }

  private async publish(lines: ReadonlyMap<string, Line>, lead: Lead): Promise<void> {
    while (!lead.signal.aborted) {
      try {
        await this.database.writePeerStatus(await this.statuses(lines));
      } catch (cause) {
        if (!lead.signal.aborted) this.database.log.warn('the state of the peers could not be published', {}, cause);
      }
      await pause(statusMs, lead.signal);
    }
  }

  private async statuses(lines: ReadonlyMap<string, Line>): Promise<PeerStatus[]> {
    const known = new Map((await this.database.readPeerStatus()).map((status) => [status.peer, status.acked]));
    const statuses: PeerStatus[] = [];
    for (const { id, code } of this.world.peers) {
      const line = lines.get(id);
      if (!line) continue;
      const { rows, oldestMs } = line.drained ? { rows: 0, oldestMs: 0 } : await line.push.pending(known.get(code));
      const acked = line.push.position;
      const status = { peer: code, lagMs: oldestMs, pending: rows, state: circuit(line.failures) };
      statuses.push(acked ? { ...status, acked } : status);
    }
    return statuses;
  }
}
