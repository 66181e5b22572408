import { Injectable } from '@nestjs/common';
import { ActivationQueue, Failure, type ActivationRecord, type RunOrder } from '#libs/domain';
import { Acceptance, type Invocation, type InvokerStatus } from './acceptance.js';
import { Dispatcher } from './dispatch/dispatcher.js';
import { RecordWaiters } from './dispatch/record-waiters.js';
import { encodeInvocation, Sealing } from './message.js';

/** Accepts by an append to the queue of record. */
@Injectable()
export class QueuedAcceptance extends Acceptance {
  constructor(
    private readonly queue: ActivationQueue,
    private readonly sealing: Sealing,
    private readonly dispatcher: Dispatcher,
    private readonly waiters: RecordWaiters,
  ) {
    super();
  }

  override invoke(order: RunOrder, args: Uint8Array): Invocation {
    if (this.waiters.full) return refused(new Failure('unavailable', {}, { fault: 'overload', retryAfterS: 1 }));
    return order.blocking ? this.overlapped(order, args) : this.queued(order, args);
  }

  override async status(): Promise<{ queue: boolean; invokers: readonly InvokerStatus[] }> {
    return { queue: await this.queue.healthy(), invokers: this.dispatcher.status };
  }

  /** Append and dispatch start together; whoever answers waits for both. */
  private overlapped(order: RunOrder, args: Uint8Array): Invocation {
    const record = this.waiters.expect(order);
    const accepted = this.append(order, args);
    // Without acceptance there is no activation, whatever the invoker makes of it.
    accepted.catch((failure: Failure) => this.waiters.fail(order.activationId, failure));
    this.dispatcher.dispatch(order, args);
    return { accepted, record };
  }

  /** Append first. Few who do not block look at the record, so nothing is kept for it until somebody does. */
  private queued(order: RunOrder, args: Uint8Array): Invocation {
    const accepted = this.append(order, args).then(() => void this.dispatcher.dispatch(order, args));
    accepted.catch(() => undefined);
    const expected = (): Promise<ActivationRecord> => this.expectLater(order, accepted);
    return {
      accepted,
      get record() {
        return expected();
      },
    };
  }

  private expectLater(order: RunOrder, accepted: Promise<void>): Promise<ActivationRecord> {
    const record = this.waiters.expect(order);
    accepted.then(
      () => this.dispatcher.has(order.activationId) || this.waiters.left(order.activationId),
      (failure: Failure) => this.waiters.fail(order.activationId, failure),
    );
    return record;
  }

  private async append(order: RunOrder, args: Uint8Array): Promise<void> {
    try {
      await this.queue.append(await encodeInvocation(this.sealing, order, args));
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw new Failure('unavailable', {}, { fault: 'queue', retryAfterS: 1, cause });
    }
  }
}

function refused(failure: Failure): Invocation {
  const accepted = Promise.reject<void>(failure);
  const record = Promise.reject<ActivationRecord>(failure);
  for (const promise of [accepted, record]) promise.catch(() => undefined);
  return { accepted, record };
}
