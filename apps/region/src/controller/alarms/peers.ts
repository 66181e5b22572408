import { setTimeout as delay } from 'node:timers/promises';
import type { RegionCode, WorldRegion } from '#libs/domain';
import type { OutOfReach } from './watch.js';

const probeTimeoutMs = 2000;

/** Whether the other regions of the world answer: each is asked for its readiness at intervals while this process watches over alarms. */
export class Peers {
  private readonly answeredMs = new Map<RegionCode, number>();
  private readonly silent = new Set<RegionCode>();

  constructor(
    private readonly others: readonly Pick<WorldRegion, 'code' | 'url'>[],
    private readonly everyMs: number,
  ) {}

  /** Whether there are no others. */
  get alone(): boolean {
    return this.others.length === 0;
  }

  /** Starts asking, until `signal` aborts. Before the first answer each counts as having just answered. */
  begin(signal: AbortSignal): void {
    const nowMs = Date.now();
    this.silent.clear();
    for (const { code } of this.others) this.answeredMs.set(code, nowMs);
    for (const other of this.others) void this.watch(other, signal);
  }

  /** How long it takes the others at most to notice that this region answers, as it would take this one. */
  get noticeMs(): number {
    return this.everyMs + probeTimeoutMs;
  }

  /** Those that answer, as far as is known. */
  get answering(): RegionCode[] {
    return this.others.map(({ code }) => code).filter((code) => !this.silent.has(code));
  }

  /** For how long each has not answered. */
  outOfReach(nowMs: number): OutOfReach {
    return new Map(this.others.map(({ code }) => [code, this.silent.has(code) ? nowMs - (this.answeredMs.get(code) ?? nowMs) : 0]));
  }

  private async watch({ code, url }: Pick<WorldRegion, 'code' | 'url'>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await answers(url, signal)) {
        this.silent.delete(code);
        this.answeredMs.set(code, Date.now());
      } else this.silent.add(code);
      await delay(this.everyMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
