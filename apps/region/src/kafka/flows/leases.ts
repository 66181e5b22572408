import { Injectable } from '@nestjs/common';
import { ActivationStore, type ActivationId, type ActivationRecord, type Granted, type RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { pause } from '#libs/messaging';

/** Who runs flows here: leases carry the name. A flow whose process is gone for `leaseMs` has ended as lost. */
export class FlowOptions {
  readonly leaseMs = 30_000;
  constructor(readonly name: string) {}
}

const againMs = 1000;
const finishFirstMs = 100;
const finishMostMs = 5000;
/** Tries to store a record, over many minutes, before it is given up: recovery has ended the activation long before. */
const finishTries = 200;

/** This process's rights to run flows: taken from the store once, renewed until the flow's record is there. */
@Injectable()
export class Leases {
  private readonly held = new Set<ActivationId>();
  private readonly stop = new AbortController();

  constructor(
    private readonly store: ActivationStore,
    private readonly options: FlowOptions,
    private readonly logger: Logger,
  ) {}

  /** Renews until `end`, thrice in a lease's life, and every second while that fails. */
  begin(): void {
    void this.keep();
  }

  end(): void {
    this.stop.abort();
  }

  /** Asks for the right to run a flow, which nobody gets twice. Throws where the store does not answer. */
  async start({ activationId: id, ns }: RunOrder): Promise<Granted> {
    const granted = await this.store.start({ id, ns, invoker: this.options.name, leaseMs: this.options.leaseMs });
    if (granted.granted) this.held.add(id);
    return granted;
  }

  /** Stores the record, through outages; false where the activation had ended otherwise, or the process ends first. */
  async finish(record: ActivationRecord, attempt: number): Promise<boolean> {
    try {
      for (let tries = 0; tries < finishTries && !this.stop.signal.aborted; tries += 1) {
        try {
          return await this.store.finish(record, attempt);
        } catch (cause) {
          this.logger.warn('a record could not be stored yet', { activationId: record.activationId }, cause);
        }
        await pause(Math.min(finishMostMs, finishFirstMs * 2 ** Math.min(tries, 10)), this.stop.signal);
      }
      return false;
    } finally {
      this.held.delete(record.activationId);
    }
  }

  /** No more renewals: the flow is left to recovery. */
  forget(id: ActivationId): void {
    this.held.delete(id);
  }

  private async keep(): Promise<void> {
    while (!this.stop.signal.aborted) {
      const renewed = await this.renew();
      await pause(renewed ? this.options.leaseMs / 3 : againMs, this.stop.signal);
    }
  }

  /** True unless the store failed. */
  private async renew(): Promise<boolean> {
    if (this.held.size === 0) return true;
    try {
      await this.store.renew(this.options.name, [...this.held], this.options.leaseMs);
      return true;
    } catch (cause) {
      this.logger.warn('leases could not be renewed', { count: this.held.size }, cause);
      return false;
    }
  }
}
