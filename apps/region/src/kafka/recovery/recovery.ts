import { Injectable } from '@nestjs/common';
import { ActivationQueue, ActivationStore, Failure, type ActivationId, type DueActivation } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { openInvocation, readOrder, Sealing } from '../message.js';
import { pause } from '#libs/messaging';
import { unrunRecord, type Unrun } from './unrun-record.js';

/** How long an accepted activation may stay unclaimed before it is sent again, ms. */
const idleMs = 2000;
const everyMs = 500;
const atOnce = 64;
/** A run that was sent again is given so long to be claimed before it is sent once more, ms. */
const patienceMs = 5000;
/**
 * How long an invocation may resist being opened before it ends, ms: little where its bytes are at fault, or the database is away for a moment;
 * much where its key is known to be missing.
 */
const unreadableMs = { fault: 30_000, key: 3_600_000 } as const;
/**
 * After the store could not be read, nothing is called lost for so long, ms: invokers could not prolong their leases either, and first write
 * what they hold.
 */
const settleMs = 10_000;
/** A started activation whose message has not come by then ends without it, ms: the consumer was behind by more than the queue keeps back. */
const bodyLateMs = 60_000;

/** Which region this is, for the trace of records. */
export class RecoveryOptions {
  constructor(readonly region: string) {}
}

/**
 * Sees to it that every accepted activation ends. It notes what the queue of record holds and nobody has claimed, sends again what never
 * started, and ends what was lost after its start: that is never run again. Several recoveries may run beside each other.
 */
@Injectable()
export class Recovery {
  private readonly stop = new AbortController();
  private running: Promise<unknown> | undefined;
  /** When the store last could not be read, epoch ms. */
  private troubledAtMs = -Infinity;
  /** When a run was sent again, epoch ms. */
  private readonly sentAtMs = new Map<ActivationId, number>();
  /** When something was first found wanting about an activation: its message, or the means to open it. Epoch ms. */
  private readonly wantingSinceMs = new Map<ActivationId, number>();

  constructor(
    private readonly queue: ActivationQueue,
    private readonly store: ActivationStore,
    private readonly sealing: Sealing,
    private readonly dispatcher: Dispatcher,
    private readonly options: RecoveryOptions,
    private readonly logger: Logger,
  ) {}

  begin(): void {
    const consuming = this.queue.consume((batch) => this.store.accept(batch), this.stop.signal);
    this.running = Promise.all([consuming, this.watch()]);
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async watch(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.step(Date.now());
      } catch (cause) {
        this.troubledAtMs = Date.now();
        this.logger.warn('activations that are due cannot be read, trying again', {}, cause);
      }
      await pause(everyMs, this.stop.signal);
    }
  }

  /** One look at what is due. */
  async step(nowMs: number): Promise<void> {
    for (const [id, atMs] of this.sentAtMs) if (nowMs - atMs > patienceMs) this.sentAtMs.delete(id);
    for (const [id, atMs] of this.wantingSinceMs) if (nowMs - atMs > 2 * unreadableMs.key) this.wantingSinceMs.delete(id);
    let capacity = this.dispatcher.capacity;
    for (const due of await this.store.due(idleMs, atOnce)) {
      if (this.stop.signal.aborted) return;
      try {
        if (due.verdict === 'lost') await this.endLost(due, nowMs);
        else if (capacity > 0 && (await this.sendAgain(due, nowMs))) capacity -= 1;
      } catch (cause) {
        this.logger.warn('an activation cannot be recovered yet', { activationId: due.id }, cause);
      }
    }
  }

  private async endLost(due: DueActivation, nowMs: number): Promise<void> {
    if (nowMs - this.troubledAtMs < settleMs) return;
    // It started at once and its message is still on the way: that says whose it is.
    if (due.body === undefined && this.wantingMs(due.id, nowMs) < bodyLateMs) return;
    await this.finish(due, { kind: 'lost' }, nowMs);
  }

  /** Whether a run was sent. */
  private async sendAgain(due: DueActivation, nowMs: number): Promise<boolean> {
    if (this.dispatcher.has(due.id) || this.sentAtMs.has(due.id)) return false;
    const invocation = await this.open(due, nowMs);
    if (!invocation) {
      await this.finish(due, { kind: 'internal', text: 'The invocation could not be read.' }, nowMs);
      return false;
    }
    if (!this.dispatcher.dispatch(invocation.order, invocation.args)) return false;
    this.sentAtMs.set(due.id, nowMs);
    this.logger.log('an activation is sent again', { activationId: due.id, transid: invocation.order.transid, attempt: due.attempt });
    return true;
  }

  /** The invocation, or undefined where it is given up. Throws while there is hope. */
  private async open(due: DueActivation, nowMs: number): Promise<Awaited<ReturnType<typeof openInvocation>> | undefined> {
    const read = due.body && readOrder(due.body);
    if (!read) return undefined;
    try {
      return await openInvocation(this.sealing, read);
    } catch (cause) {
      const patience = cause instanceof Failure && cause.code === 'unavailable' ? unreadableMs.key : unreadableMs.fault;
      if (this.wantingMs(due.id, nowMs) < patience) throw cause;
      this.logger.error('an invocation cannot be opened and ends', { activationId: due.id }, cause);
      return undefined;
    }
  }

  private async finish(due: DueActivation, outcome: Unrun['outcome'], nowMs: number): Promise<void> {
    const order = due.body && readOrder(due.body)?.order;
    const record = unrunRecord({ due, order, outcome, region: this.options.region, nowMs });
    if (!(await this.store.finish(record, due.attempt))) return;
    this.wantingSinceMs.delete(due.id);
    this.logger.warn('an activation was ended by recovery', { activationId: due.id, outcome: outcome.kind, attempt: due.attempt });
  }

  /** For how long something has been wanting about an activation, beginning now where it was not known. */
  private wantingMs(id: ActivationId, nowMs: number): number {
    const sinceMs = this.wantingSinceMs.get(id) ?? nowMs;
    this.wantingSinceMs.set(id, sinceMs);
    return nowMs - sinceMs;
  }
}
