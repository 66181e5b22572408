import { Injectable } from '@nestjs/common';
import { Identities, type Identity } from '#libs/auth';
import { Failure, type ActivationId, type ActivationRecord, type Flow, type RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { readReference, type Reference } from '../../controller/definitions/reference.js';
import { Resolver, type ResolvedAction } from '../../controller/definitions/resolver.js';
import { Orders } from '../../controller/invocations/orders.js';
import type { ListPayload, Payload } from '../../controller/invocations/payload.js';
import { Acceptance } from '../acceptance.js';

/** An action that a flow names. */
export type Found =
  { readonly kind: 'found'; readonly resolved: ResolvedAction } | { readonly kind: 'missing' | 'forbidden' } | { readonly kind: 'failed' };

/** What became of an activation that a flow caused. `unknown`: it was accepted, and no record came in time. `failed`: there is none. */
export type Inner =
  | { readonly kind: 'ended'; readonly record: ActivationRecord }
  | { readonly kind: 'unknown'; readonly id: ActivationId }
  | { readonly kind: 'failed' };

/** What a flow causes: ordinary activations, accepted like any other, but not counted against rates. */
@Injectable()
export class Components {
  constructor(
    private readonly resolver: Resolver,
    private readonly identities: Identities,
    private readonly orders: Orders,
    private readonly acceptance: Acceptance,
    private readonly logger: Logger,
  ) {}

  /** The identity that owns a namespace; undefined where it is gone or blocked. Throws where that cannot be read. */
  identity(namespace: string): Promise<Identity | undefined> {
    return this.identities.byNamespace(namespace);
  }

  /** The action that is meant, as `caller` is entitled to it. */
  async find(caller: Identity, reference: Reference): Promise<Found> {
    try {
      const resolved = await this.resolver.action(caller, reference, 'cached');
      return { kind: 'found', resolved };
    } catch (cause) {
      if (cause instanceof Failure && (cause.code === 'not-found' || cause.code === 'other-collection')) return { kind: 'missing' };
      if (cause instanceof Failure && cause.code === 'forbidden-resource') return { kind: 'forbidden' };
      this.logger.warn('an action that is to follow another could not be read', {}, cause);
      return { kind: 'failed' };
    }
  }

  /** The action that is meant, if `caller` may run what it consists of too. */
  async findWhole(caller: Identity, reference: Reference): Promise<Found> {
    const found = await this.find(caller, reference);
    if (found.kind !== 'found' || found.resolved.action.exec.type !== 'sequence') return found;
    const parts = found.resolved.action.exec.components.map((component) => readReference(component, caller.namespace));
    try {
      await this.resolver.checkEntitled(caller, parts, 'cached');
      return found;
    } catch (cause) {
      if (cause instanceof Failure && cause.status < 500) return { kind: 'forbidden' };
      this.logger.warn('what a sequence consists of could not be read', {}, cause);
      return { kind: 'failed' };
    }
  }

  /** Runs an action in the namespace of `outer`, caused by it, to its end. `flow` says how where it consists of others. */
  async run(outer: RunOrder, resolved: ResolvedAction, payload: Payload | ListPayload, flow: Flow | undefined): Promise<Inner> {
    const { activationId: cause, transid } = outer;
    try {
      const identity = await this.identity(outer.namespace);
      if (!identity) return { kind: 'failed' };
      const { order, args } = await this.orders.make({ identity, resolved, payload, transid, blocking: true, flow, cause });
      const { accepted, record } = this.acceptance.invoke(order, args);
      await accepted;
      return await record.then(
        (ended): Inner => ({ kind: 'ended', record: ended }),
        (): Inner => ({ kind: 'unknown', id: order.activationId }),
      );
    } catch (thrown) {
      this.logger.warn('an action that is to follow another could not be invoked', { activationId: cause, transid }, thrown);
      return { kind: 'failed' };
    }
  }
}
