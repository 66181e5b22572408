import { Injectable } from '@nestjs/common';
import { ActivationStore, Failure, type ActivationId, type ActivationRecord, type NamespaceId, type RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';

const waitersMax = 20_000;
const tickMs = 500;
const pollsPerTick = 64;
/** While an invoker has the run, its answer is expected; the store is asked when it is overdue by this much, ms. */
const overdueMs = 10_000;
/** How much longer than its time limit an activation may take until nobody waits for it any more, ms. */
const marginMs = 120_000;
/** The same for a flow, whose own time limit says nothing about what it causes. */
const flowMarginMs = 24 * 3_600_000;

interface Waiter {
  readonly id: ActivationId;
  readonly ns: NamespaceId;
  readonly record: Promise<ActivationRecord>;
  readonly endMs: number;
  pollFromMs: number;
  settle(outcome: ActivationRecord | Failure): void;
}

/**
 * Who waits for which record. A RESULT frame ends the wait at once, whoever asked for the run; where no frame can be expected any more, the
 * store is asked twice a second, in a few queries at a time.
 */
@Injectable()
export class RecordWaiters {
  /** In the order in which they were asked for last. */
  private readonly waiters = new Map<ActivationId, Waiter>();
  private timer: NodeJS.Timeout | undefined;
  private polling = false;

  constructor(
    private readonly store: ActivationStore,
    private readonly logger: Logger,
  ) {}

  begin(): void {
    this.timer = setInterval(() => void this.tick(), tickMs);
  }

  /** Ends every wait: the process is about to. */
  end(): void {
    clearInterval(this.timer);
    for (const waiter of this.waiters.values()) waiter.settle(unknownRecord(new Error('this process ends')));
  }

  get full(): boolean {
    return this.waiters.size >= waitersMax;
  }

  /** The record of an activation, once it is known; the same promise for all who ask meanwhile. Rejects at once where too many wait. */
  expect(order: Pick<RunOrder, 'activationId' | 'ns' | 'acceptedAtMs' | 'action' | 'flow'>): Promise<ActivationRecord> {
    const known = this.waiters.get(order.activationId);
    if (!known && this.full) return Promise.reject(unknownRecord(new Error('too many wait for records')));
    return (known ?? this.add(order)).record;
  }

  /** Ends the wait for this record's activation. */
  settle(record: ActivationRecord): void {
    this.waiters.get(record.activationId)?.settle(record);
  }

  /** Ends the wait because there is no activation. */
  fail(id: ActivationId, failure: Failure): void {
    this.waiters.get(id)?.settle(failure);
  }

  /** No frame about this activation will come: from now on the store is asked. */
  left(id: ActivationId): void {
    const waiter = this.waiters.get(id);
    if (waiter) waiter.pollFromMs = 0;
  }

  private add({ activationId: id, ns, acceptedAtMs, action, flow }: Parameters<RecordWaiters['expect']>[0]): Waiter {
    const promised = deferred<ActivationRecord>();
    const nowMs = Date.now();
    const waiter: Waiter = {
      id,
      ns,
      record: promised.promise,
      endMs: nowMs + action.limits.timeout + (flow ? flowMarginMs : marginMs),
      pollFromMs: acceptedAtMs + action.limits.timeout + overdueMs,
      settle: (outcome) => {
        this.waiters.delete(id);
        if (outcome instanceof Failure) promised.reject(outcome);
        else promised.resolve(outcome);
      },
    };
    this.waiters.set(id, waiter);
    return waiter;
  }

  private async tick(): Promise<void> {
    if (this.polling) return;
    this.polling = true;
    try {
      const nowMs = Date.now();
      const all = [...this.waiters.values()];
      for (const waiter of all) if (waiter.endMs < nowMs) waiter.settle(unknownRecord(new Error('no record in time')));
      const due = all.filter((waiter) => waiter.pollFromMs <= nowMs && waiter.endMs >= nowMs).slice(0, pollsPerTick);
      await Promise.all(due.map((waiter) => this.poll(waiter)));
    } catch (cause) {
      this.logger.warn('records cannot be looked up, trying again', {}, cause);
    } finally {
      this.polling = false;
    }
  }

  private async poll(waiter: Waiter): Promise<void> {
    // To the end of the line, so that every one has its turn.
    if (this.waiters.delete(waiter.id)) this.waiters.set(waiter.id, waiter);
    const found = await this.store.find(waiter.ns, waiter.id);
    if (found?.kind === 'done') waiter.settle(found.record.trace.ran ? found.record : { ...found.record, logs: [] });
  }
}

function unknownRecord(cause: Error): Failure {
  return new Failure('unavailable', {}, { fault: 'record', retryAfterS: 1, cause });
}

/** A promise and its ends. Nobody has to look at it for it to fail in peace. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
