import type { HealthEvent } from '#libs/routing';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Region } from '../proxy/region.js';
import { Regions } from '../proxy/regions.js';

const everyMs = 1000;
const timeoutMs = 1000;
/** The longest answer to a probe that is read. */
const bodyMax = 16 * 1024;

/** Asks every region each second whether it is ready. The first answers are awaited before the door opens. */
@Injectable()
export class Prober implements OnApplicationBootstrap, OnModuleDestroy {
  #timer: NodeJS.Timeout | undefined;
  readonly #asking = new Set<Region>();

  constructor(private readonly regions: Regions) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.probeAll();
    this.#timer = setInterval(() => void this.probeAll(), everyMs);
  }

  onModuleDestroy(): void {
    clearInterval(this.#timer);
  }

  /** Probes every region that is not being probed, all at once; resolves when all have answered or timed out. */
  async probeAll(): Promise<void> {
    await Promise.all(this.regions.all.map((region) => this.#ask(region)));
  }

  /** A request broke on its way to or from a region: asks it now, not at the next second. */
  suspect(region: Region): void {
    void this.#ask(region);
  }

  async #ask(region: Region): Promise<void> {
    if (this.#asking.has(region)) return;
    this.#asking.add(region);
    region.observe(await probe(region));
    this.#asking.delete(region);
  }
}

async function probe(region: Region): Promise<HealthEvent> {
  const startedMs = Date.now();
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const { statusCode, body } = await region.probes.request({ method: 'GET', path: '/health/ready', signal });
    if (statusCode === 200) {
      await body.dump({ limit: bodyMax, signal });
      return { kind: 'probe-ok', startedMs };
    }
    const text = await readSome(body);
    return { kind: 'failed', trouble: 'not-ready', detail: notReady(text) ?? `status ${statusCode}` };
  } catch (error) {
    const { name, code, message } = error as NodeJS.ErrnoException;
    if (name === 'TimeoutError') return { kind: 'failed', trouble: 'no-answer', detail: `no answer within ${timeoutMs} ms` };
    return { kind: 'failed', trouble: code === 'ECONNREFUSED' ? 'refused' : 'reset', detail: code ?? message };
  }
}

async function readSome(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString('utf8');
    if (text.length > bodyMax) break;
  }
  return text.slice(0, bodyMax);
}

/** The names of the checks that failed, from a readiness answer `{ checks: { name: outcome } }`. */
function notReady(text: string): string | undefined {
  try {
    const { checks } = JSON.parse(text) as { checks?: Readonly<Record<string, unknown>> };
    const failed = Object.entries(checks ?? {}).filter(([, outcome]) => outcome !== true && outcome !== 'ok');
    return failed.length > 0
      ? failed
          .map(([name]) => name)
          .join(', ')
          .slice(0, 200)
      : undefined;
  } catch {
    return undefined;
  }
}
