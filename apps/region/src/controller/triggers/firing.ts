import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Throttles, type Admission } from '#libs/auth';
import { activationId, ActivationStore, asJsonText, Failure, type ActivationId, type Rule, type Trigger } from '#libs/domain';
import { reportFailure, toFailure } from '#libs/http';
import { Logger } from '#libs/telemetry';
import { readReference } from '../definitions/reference.js';
import { Resolver } from '../definitions/resolver.js';
import { Invocations } from '../invocations/invocations.js';
import type { Payload } from '../invocations/payload.js';
import type { EntityCall } from '../rest/call.js';
import { Settings } from '../settings.js';
import { firePayload, fireRecord, inactiveLog, invokedLog, rejectedLog } from './fire-record.js';

/** Ids that a fire's activations are to have, so that trying it again does nothing twice. All of them tell the same time. */
export interface FireIds {
  readonly trigger: ActivationId;
  /** Of the activation that follows by a rule. */
  ofRule(rule: Rule): ActivationId;
}

/** A trigger that is fired, with the rules that follow it and what it is fired with. */
export interface Fire {
  readonly trigger: Trigger;
  readonly rules: readonly Rule[];
  readonly payload: Payload;
  readonly ids?: FireIds | undefined;
}

/** Invokes what follows a trigger. */
@Injectable()
export class Firing {
  constructor(
    private readonly resolver: Resolver,
    private readonly invocations: Invocations,
    private readonly throttles: Throttles,
    private readonly store: ActivationStore,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  /**
   * Invokes the action of every active rule as its caller would, none waiting for another, and keeps a record that tells what became of each.
   * Returns the record's id once the record and every invocation that was accepted are durable; throws `unavailable` where the record is not.
   */
  async fire(call: EntityCall, fire: Fire): Promise<ActivationId> {
    const { code, id: region } = this.settings.region;
    const firedAtMs = Date.now();
    const id = fire.ids?.trigger ?? activationId(code, firedAtMs, randomBytes(9).toString('hex'));
    const payload = firePayload(fire.trigger, call.headers, fire.payload);
    const logs = await Promise.all(fire.rules.map((rule) => this.follow(call, rule, payload, fire.ids?.ofRule(rule))));
    const { identity, transid } = call;
    const result = asJsonText(fire.payload.body.length === 0 ? '{}' : Buffer.from(fire.payload.body).toString('utf8'));
    const record = fireRecord(fire.trigger, { id, identity, transid, region, firedAtMs, result, logs });
    try {
      await this.store.finish(record, 0);
    } catch (cause) {
      throw new Failure('unavailable', {}, { fault: 'record', retryAfterS: 1, cause });
    }
    return id;
  }

  /** Follows one rule; whatever stands in its way is told in its line and nowhere else. */
  private async follow({ identity, transid }: EntityCall, rule: Rule, payload: Payload, id: ActivationId | undefined): Promise<string> {
    const names = { rule: `${identity.namespace}/${rule.path}`, action: `${rule.action.path}/${rule.action.name}` };
    if (rule.status === 'inactive') return inactiveLog(names);
    let admission: Admission | undefined;
    try {
      admission = await this.throttles.admit(identity, Date.now());
      const resolved = await this.resolver.action(identity, readReference(names.action, identity.namespace), 'cached');
      const wanted = { identity, resolved, payload, transid, waitMs: undefined, admission, ...(id === undefined ? {} : { id }) };
      const { activationId: invoked } = await this.invocations.invoke(wanted);
      return invokedLog(names, invoked);
    } catch (thrown) {
      const failure = toFailure(thrown);
      reportFailure(this.logger, failure, transid, thrown);
      return rejectedLog(names, failure);
    } finally {
      admission?.release();
    }
  }
}
