import { Injectable } from '@nestjs/common';
import { Throttles, type Admission, type Identity } from '#libs/auth';
import { truthy, type ActivationId, type ActivationRecord, type Transid } from '#libs/domain';
import { Acceptance } from '../../kafka/acceptance.js';
import { readReference } from '../definitions/reference.js';
import { Resolver, type ResolvedAction } from '../definitions/resolver.js';
import { flowOf } from './flow.js';
import { Orders } from './orders.js';
import { checkProtected, type Payload } from './payload.js';

/** An invocation that is wanted. */
export interface Wanted {
  readonly identity: Identity;
  readonly resolved: ResolvedAction;
  readonly payload: Payload;
  /** Whether it has been seen to already that the payload leaves protected parameters alone. */
  readonly checked?: boolean;
  readonly transid: Transid;
  /** Longest wait for the record, ms; undefined does not wait. */
  readonly waitMs: number | undefined;
  /** The activation's id, where it must be the same whenever this is asked for; a new one otherwise. */
  readonly id?: ActivationId;
  /** By which it was let in; without one it counts as in flight and is held against no limit. */
  readonly admission?: Admission;
}

/** An invocation that was accepted; `record` is there where it was waited for and came in time. */
export interface Accepted {
  readonly activationId: ActivationId;
  readonly record: ActivationRecord | undefined;
}

/** Hands invocations over to be run and waits for those that are blocking. A caller that goes away ends the wait and nothing else. */
@Injectable()
export class Invocations {
  constructor(
    private readonly acceptance: Acceptance,
    private readonly orders: Orders,
    private readonly resolver: Resolver,
    private readonly throttles: Throttles,
  ) {}

  /** Returns once the invocation is durable and, where that is wanted, its record is known or the wait is over. Throws where it is not accepted. */
  async invoke({ identity, resolved, payload, checked, transid, waitMs, admission, id }: Wanted): Promise<Accepted> {
    const { action, parameters } = resolved;
    const flow = flowOf(resolved);
    if (action.exec.type === 'sequence') await this.checkComponents(identity, action.exec.components);
    if (!checked) checkProtected(truthy(action, 'final', false), parameters, payload.keys);
    const { order, args } = await this.orders.make({ identity, resolved, payload, transid, blocking: waitMs !== undefined, flow, id });
    const { activationId } = order;
    const end = admission?.take() ?? this.throttles.begin(identity);
    const { accepted, record } = this.acceptance.invoke(order, args);
    record.then(end, end);
    accepted.catch(end);
    if (waitMs === undefined) {
      await accepted;
      return { activationId, record: undefined };
    }
    const known = await inTime(record, accepted, waitMs);
    await accepted;
    return { activationId, record: known };
  }

  /** Whether a caller may run what a sequence consists of is asked once, before anything runs. */
  private async checkComponents(caller: Identity, components: readonly string[]): Promise<void> {
    const references = components.map((component) => readReference(component, caller.namespace));
    await this.resolver.checkEntitled(caller, references, 'cached');
  }
}

/** The record, or undefined where it does not come within the time. Rejects as soon as the invocation is refused. */
function inTime(record: Promise<ActivationRecord>, accepted: Promise<void>, waitMs: number): Promise<ActivationRecord | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, waitMs, undefined);
    const done = (value: ActivationRecord | undefined): void => {
      clearTimeout(timer);
      resolve(value);
    };
    record.then(done, () => accepted.then(() => undefined, reject));
    accepted.catch((cause: unknown) => {
      clearTimeout(timer);
      reject(cause instanceof Error ? cause : new Error(String(cause)));
    });
  });
}
