import { Injectable } from '@nestjs/common';
import { ActivationStore, type ActivationId, type Claim, type Granted, type RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { deadline } from './deadline.js';
import { InvokerOptions } from './options.js';

const storeMs = 5000;
const closedFirstMs = 250;
const closedMaxMs = 5000;
const renewAgainMs = 1000;

/** How far an activation has come here: `claim` may be given back, `start` never. */
export type Stage = 'claim' | 'start';

/**
 * This invoker's rights to run activations: taken from the store, renewed until they are forgotten. After the store failed, no right is asked
 * for during a pause that doubles up to five seconds; then one call tries.
 */
@Injectable()
export class Claims {
  private readonly held = new Map<ActivationId, Stage>();
  private readonly timers = new Map<Stage, NodeJS.Timeout>();
  private pauseMs = 0;
  private closedUntilMs = 0;
  private trying = false;

  constructor(
    private readonly store: ActivationStore,
    private readonly options: InvokerOptions,
    private readonly logger: Logger,
  ) {}

  /** Begins to renew leases, thrice in a lease's life, and every second while that fails. */
  begin(): void {
    for (const stage of ['claim', 'start'] as const) this.renewIn(this.leaseMs(stage) / 3, stage);
  }

  end(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  /** Whether asking for a right has a chance now. While the store is away this lets one caller through after each pause. */
  get open(): boolean {
    return this.pauseMs === 0 || (!this.trying && Date.now() >= this.closedUntilMs);
  }

  /** Asks for a right; throws when the store does not answer in time. */
  async take({ activationId: id, ns }: RunOrder, stage: Stage): Promise<Granted> {
    this.trying = this.pauseMs > 0;
    try {
      const granted = await deadline(this.store[stage](this.claim(id, ns, stage)), storeMs, `to ${stage} an activation`);
      this.pauseMs = 0;
      if (granted.granted) this.held.set(id, stage);
      return granted;
    } catch (cause) {
      this.pauseMs = Math.min(closedMaxMs, Math.max(closedFirstMs, this.pauseMs * 2));
      this.closedUntilMs = Date.now() + this.pauseMs;
      throw cause;
    } finally {
      this.trying = false;
    }
  }

  /** Gives back a claim that did not start; what cannot be given back now is free once its lease has run out. */
  async release({ activationId: id, ns }: RunOrder): Promise<void> {
    this.held.delete(id);
    await deadline(this.store.release(this.claim(id, ns, 'claim')), storeMs, 'to release an activation').catch((cause: unknown) =>
      this.logger.warn('a claim could not be given back and ends with its lease', { activationId: id }, cause),
    );
  }

  /** No more renewals: the activation is done, or is not ours. */
  forget(id: ActivationId): void {
    this.held.delete(id);
  }

  /** Renews what an earlier process of this name started and finished, until its record is stored. */
  hold(id: ActivationId): void {
    this.held.set(id, 'start');
  }

  private renewIn(ms: number, stage: Stage): void {
    const renewed = async (): Promise<void> => {
      const pauseMs = (await this.renew(stage)) ? this.leaseMs(stage) / 3 : renewAgainMs;
      if (this.timers.has(stage)) this.renewIn(pauseMs, stage);
    };
    this.timers.set(stage, setTimeout(() => void renewed(), ms).unref());
  }

  /** True unless the store failed. */
  private async renew(stage: Stage): Promise<boolean> {
    const ids = [...this.held].flatMap(([id, at]) => (at === stage ? [id] : []));
    if (ids.length === 0) return true;
    try {
      await deadline(this.store.renew(this.options.name, ids, this.leaseMs(stage)), storeMs, 'to renew leases');
      return true;
    } catch (cause) {
      this.logger.warn('leases could not be renewed', { count: ids.length }, cause);
      return false;
    }
  }

  private claim(id: ActivationId, ns: Claim['ns'], stage: Stage): Claim {
    return { id, ns, invoker: this.options.name, leaseMs: this.leaseMs(stage) };
  }

  private leaseMs(stage: Stage): number {
    return stage === 'claim' ? this.options.claimLeaseMs : this.options.startLeaseMs;
  }
}
