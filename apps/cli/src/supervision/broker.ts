import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../refusal.js';
import { startKafka, type KafkaBroker, type KafkaOptions } from '../world/kafka.js';
import { backOff } from './backoff.js';
import { startedAt } from './process-table.js';
import type { ProcessStatus, Running, Unit } from './unit.js';

/** The Kafka broker of one region, started again when it ends by itself. */
export class Broker implements Unit {
  private broker: KafkaBroker | undefined;
  private wanted = new AbortController();
  private state: ProcessStatus['state'] = 'stopped';
  private sinceMs = Date.now();
  private restarts = 0;

  constructor(
    private readonly region: string,
    private readonly options: KafkaOptions,
    private readonly changed: () => void,
  ) {}

  get running(): Running | undefined {
    const pid = this.broker?.pid;
    const started = pid === undefined ? undefined : startedAt(pid);
    return pid === undefined || started === undefined ? undefined : { name: this.name, pid, startedAt: started, file: this.options.folder };
  }

  status(): ProcessStatus {
    const pid = this.broker?.pid;
    const { name, region, state, restarts, sinceMs } = this;
    return { name, region, role: 'kafka', ...(pid !== undefined && { pid }), state, restarts, sinceMs };
  }

  async start(): Promise<void> {
    if (this.state === 'running') return;
    this.wanted = new AbortController();
    this.enter('starting');
    try {
      await this.launch();
    } catch (cause) {
      this.enter('stopped');
      throw new Refusal(cause instanceof Error ? cause.message : String(cause), 1, { cause });
    }
    void this.keepRunning(this.wanted.signal);
  }

  async stop(): Promise<void> {
    this.wanted.abort();
    await this.broker?.stop();
    this.enter('stopped');
  }

  async kill(): Promise<void> {
    this.wanted.abort();
    await this.broker?.kill();
    this.enter('stopped');
  }

  private get name(): string {
    return `${this.region}.kafka`;
  }

  private async launch(): Promise<void> {
    this.broker = await startKafka(this.options);
    this.changed();
    this.enter('running');
  }

  private async keepRunning(wanted: AbortSignal): Promise<void> {
    for (let crashes = 0; !wanted.aborted;) {
      const begunAt = Date.now();
      await this.broker?.exited;
      this.broker = undefined;
      this.changed();
      if (wanted.aborted) return;
      this.enter('restarting');
      this.restarts += 1;
      const next = backOff(crashes, Date.now() - begunAt);
      crashes = next.crashes;
      await sleep(next.waitMs, undefined, { signal: wanted }).catch(() => undefined);
      if (!wanted.aborted) await this.launch().catch(() => undefined); // The next turn of the loop waits longer.
      if (wanted.aborted) await this.kill();
    }
  }

  private enter(state: ProcessStatus['state']): void {
    this.state = state;
    this.sinceMs = Date.now();
  }
}
