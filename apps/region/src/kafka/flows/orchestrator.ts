import { Injectable } from '@nestjs/common';
import { invariant, type ActivationId, type ActivationRecord, type RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { Settings } from '../../controller/settings.js';
import type { FlowRunner } from '../dispatch/dispatcher.js';
import { RecordWaiters } from '../dispatch/record-waiters.js';
import { Compositions } from './compositions.js';
import { flowRecord, type FlowOf } from './flow-record.js';
import { Leases } from './leases.js';
import { Natives } from './natives.js';
import { Sequences } from './sequences.js';

/** Flows that run here at once, without those inside others: these must go on, or what waits for them never ends. */
const topmostMax = 1000;

/**
 * Runs flows: activations that consist of others, and those that are the region's own work. Each is started in the store like a run of an invoker, once and never again, and ends in one
 * record: if this process dies, recovery ends the flow as lost, and what it had invoked ends by itself.
 */
@Injectable()
export class Orchestrator implements FlowRunner {
  /** What runs here, and whether it is topmost. */
  private readonly running = new Map<ActivationId, boolean>();
  private topmost = 0;
  private stopping = false;

  constructor(
    private readonly sequences: Sequences,
    private readonly compositions: Compositions,
    private readonly natives: Natives,
    private readonly leases: Leases,
    private readonly waiters: RecordWaiters,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  has(id: ActivationId): boolean {
    return this.running.has(id);
  }

  take(order: RunOrder, args: Uint8Array): boolean {
    const topmost = order.cause === undefined;
    if (this.stopping || (topmost && this.topmost >= topmostMax)) return false;
    this.running.set(order.activationId, topmost);
    if (topmost) this.topmost += 1;
    void this.run(order, args).finally(() => {
      this.running.delete(order.activationId);
      if (topmost) this.topmost -= 1;
    });
    return true;
  }

  /** Waits until nothing runs here, at most `ms`, and takes nothing more. */
  async settle(ms: number): Promise<void> {
    const deadlineMs = Date.now() + ms;
    while (this.running.size > 0 && Date.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));
    this.stopping = true;
    if (this.running.size > 0) this.logger.warn('flows are left behind and end as lost', { count: this.running.size });
  }

  /** Runs one flow, if it may; never rejects. Where its record is not known here, the store is asked for it. */
  private async run(order: RunOrder, args: Uint8Array): Promise<void> {
    const { activationId: id, transid, flow } = order;
    try {
      invariant(flow, 'an order that is taken here has a flow');
      const right = await this.leases.start(order);
      if (!right.granted) return this.waiters.left(id);
      const record = await (flow.kind === 'native'
        ? this.natives.run(order, args, right.attempt)
        : this.runParts(order, flow, args, right.attempt));
      if (await this.leases.finish(record, right.attempt)) this.waiters.settle(record);
      else this.waiters.left(id);
    } catch (cause) {
      this.logger.warn('a flow could not be run', { activationId: id, transid }, cause);
      this.leases.forget(id);
      this.waiters.left(id);
    }
  }

  /** Runs a flow that consists of others. */
  private async runParts(
    order: RunOrder,
    flow: FlowOf<'sequence' | 'composition'>,
    args: Uint8Array,
    attempt: number,
  ): Promise<ActivationRecord> {
    const startMs = Date.now();
    const end = await (flow.kind === 'sequence' ? this.sequences.run(order, flow, args) : this.compositions.run(order, flow, args));
    return flowRecord(order, end, { startMs, endMs: Date.now(), region: this.settings.region.id, attempt });
  }
}
