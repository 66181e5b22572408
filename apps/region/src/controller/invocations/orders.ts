import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Subjects, type Identity } from '#libs/auth';
import { activationId, readActivationId, type ActivationId, type Flow, type RunOrder, type Transid } from '#libs/domain';
import { wantsKey } from '../actions/action-put.js';
import type { ResolvedAction } from '../definitions/resolver.js';
import { Settings } from '../settings.js';
import { consists } from './flow.js';
import { argumentsOf, checkMessageSize, type ListPayload, type Payload } from './payload.js';
import { runOrder } from './run-order.js';

/** An activation that is to be. */
export interface Planned {
  /** Whose namespace it runs in. */
  readonly identity: Identity;
  readonly resolved: ResolvedAction;
  readonly payload: Payload | ListPayload;
  readonly transid: Transid;
  readonly blocking: boolean;
  /** How it goes about it where it consists of others: then it gets the payload alone, and what it causes gets the parameters. */
  readonly flow: Flow | undefined;
  readonly cause?: ActivationId;
  /** Its id, where that is given: then it tells when it was accepted. */
  readonly id?: ActivationId | undefined;
}

/** Bytes of metadata that every order has, beside names of a customary length. */
const metadataBytes = 1024;

/** Makes orders of what is to run: with an id, arguments and secrets. */
@Injectable()
export class Orders {
  constructor(
    private readonly subjects: Subjects,
    private readonly settings: Settings,
  ) {}

  /** The order and its arguments. Throws `too-large` where both are larger than one message may be. */
  async make({
    identity,
    resolved,
    payload,
    transid,
    blocking,
    flow,
    cause,
    id: given,
  }: Planned): Promise<{ order: RunOrder; args: Buffer }> {
    const { region } = this.settings;
    const profile = this.settings.profileOf(identity);
    const { args, env } = argumentsOf(consists(flow) ? [] : resolved.parameters, payload);
    checkMessageSize({ args, env }, metadataBytes, profile);
    const apiKey = !flow && wantsKey(resolved.action) ? await this.subjects.keyOf(identity) : undefined;
    const id = given ?? activationId(region.code, Date.now(), randomBytes(9).toString('hex'));
    const { acceptedAtMs } = readActivationId(id);
    const occasion = { activationId: id, transid, identity, acceptedAtMs, blocking, apiKey, env, flow, cause };
    return { order: runOrder(resolved, occasion, profile), args };
  }
}
