import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { effectiveRates, Subjects, Throttles, type Identity } from '#libs/auth';
import { activationId, truthy, type ActivationId, type ActivationRecord, type Transid } from '#libs/domain';
import { Acceptance } from '../../kafka/acceptance.js';
import { wantsKey } from '../actions/action-put.js';
import type { ResolvedAction } from '../definitions/resolver.js';
import { Settings } from '../settings.js';
import { checkMessageSize, checkProtected, mergeArguments, type Payload } from './payload.js';
import { runOrder } from './run-order.js';

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
}

/** An invocation that was accepted; `record` is there where it was waited for and came in time. */
export interface Accepted {
  readonly activationId: ActivationId;
  readonly record: ActivationRecord | undefined;
}

/** Bytes of metadata that every order has, beside names of a customary length. */
const metadataBytes = 1024;

/** Hands invocations over to be run and waits for those that are blocking. A caller that goes away ends the wait and nothing else. */
@Injectable()
export class Invocations {
  constructor(
    private readonly acceptance: Acceptance,
    private readonly throttles: Throttles,
    private readonly subjects: Subjects,
    private readonly settings: Settings,
  ) {}

  /** Returns once the invocation is durable and, where that is wanted, its record is known or the wait is over. Throws where it is not accepted. */
  async invoke({ identity, resolved, payload, checked, transid, waitMs }: Wanted): Promise<Accepted> {
    const { profile, region } = this.settings;
    const { action, parameters } = resolved;
    if (!checked) checkProtected(truthy(action, 'final', false), parameters, payload.keys);
    const args = mergeArguments(parameters, payload.keys, payload.body);
    checkMessageSize(args, metadataBytes, profile);
    const apiKey = wantsKey(resolved.action) ? await this.subjects.keyOf(identity.ns) : undefined;
    const acceptedAtMs = Date.now();
    const id = activationId(region.code, acceptedAtMs, randomBytes(9).toString('hex'));
    const occasion = { activationId: id, transid, identity, acceptedAtMs, blocking: waitMs !== undefined, apiKey, env: args.env };
    const order = runOrder(resolved, occasion, profile, effectiveRates(identity, profile).concurrentInvocations);
    const end = this.throttles.begin(identity);
    const { accepted, record } = this.acceptance.invoke(order, args.args);
    record.then(end, end);
    accepted.catch(end);
    if (waitMs === undefined) {
      await accepted;
      return { activationId: id, record: undefined };
    }
    const known = await inTime(record, accepted, waitMs);
    await accepted;
    return { activationId: id, record: known };
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
