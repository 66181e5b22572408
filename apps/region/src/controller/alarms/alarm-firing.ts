import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Identities, type Identity } from '#libs/auth';
import { activationId, Failure, type ActivationId, type Rule, type Transid } from '#libs/domain';
import { Query, randomText, reportFailure, toFailure, type Answer } from '#libs/http';
import type { AlarmFire } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import type { EntityCall, Routes } from '../rest/call.js';
import { Rules } from '../rules/rules.js';
import { Settings } from '../settings.js';
import type { FireIds } from '../triggers/firing.js';
import { Triggers } from '../triggers/triggers.js';
import { AlarmBook } from './alarm-book.js';
import type { Alarm } from './alarm.js';

const noBody = new Uint8Array(0);

/** Fires and deletes triggers in the name of the namespaces whose alarms go off, as their owners would by the REST API. */
@Injectable()
export class AlarmFiring {
  constructor(
    private readonly book: AlarmBook,
    private readonly identities: Identities,
    private readonly triggers: Triggers,
    private readonly rules: Rules,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  /** Fires the trigger of an alarm. Returns the status of the failure, or undefined where there was none. Twice for one fire is once. */
  async fire(alarm: Alarm, fire: AlarmFire): Promise<number | undefined> {
    const transid = randomText(32) as Transid;
    try {
      const body = Buffer.from(await this.book.payload(alarm));
      const identity = await this.owner(alarm);
      await this.triggers.fire(callFor(identity, { collection: 'triggers', name: alarm.trigger }, body, transid), this.ids(fire));
      return undefined;
    } catch (thrown) {
      const failure = toFailure(thrown);
      reportFailure(this.logger, failure, transid, thrown);
      return failure.status;
    }
  }

  /** Deletes the trigger of an alarm, and its rules where that is wanted. What is gone already is no failure. */
  async clear(alarm: Alarm, withRules: boolean): Promise<void> {
    const identity = await this.owner(alarm);
    const about = (collection: 'triggers' | 'rules', name: string): EntityCall => callFor(identity, { collection, name });
    const trigger = await ifThere(this.triggers.routes, 'GET', about('triggers', alarm.trigger));
    if (!trigger) return;
    const { rules = {} } = JSON.parse(String(trigger.body)) as { readonly rules?: Readonly<Record<string, unknown>> };
    await ifThere(this.triggers.routes, 'DELETE', about('triggers', alarm.trigger));
    if (!withRules) return;
    for (const rule of Object.keys(rules)) await ifThere(this.rules.routes, 'DELETE', about('rules', rule.slice(rule.indexOf('/') + 1)));
  }

  /** Whose alarm it is. A namespace that is gone or blocked may no more than a key that is good for nothing. */
  private async owner({ ns, namespace }: Alarm): Promise<Identity> {
    const identity = await this.identities.byNamespace(namespace);
    if (identity?.ns !== ns) throw new Failure('bad-credentials');
    return identity;
  }

  private ids(fire: AlarmFire): FireIds {
    const of = (what: string): ActivationId => {
      const digest = createHash('sha256').update(`${fire.alarm} ${fire.dueMs} ${what}`).digest('hex');
      return activationId(this.settings.region.code, fire.claimedMs, digest.slice(0, 18));
    };
    return { trigger: of(''), ofRule: (rule: Rule) => of(rule.entityId) };
  }
}

async function ifThere({ entity }: Routes, method: 'GET' | 'DELETE', call: EntityCall): Promise<Answer | undefined> {
  try {
    return await entity?.[method]?.(call);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.status === 404) return undefined;
    throw thrown;
  }
}

function callFor(
  identity: Identity,
  about: { readonly collection: 'triggers' | 'rules'; readonly name: string },
  body: Uint8Array = noBody,
  transid = randomText(32) as Transid,
): EntityCall {
  return {
    transid,
    identity,
    target: { kind: 'entity', namespace: identity.namespace, ...about },
    query: new Query(''),
    headers: { 'content-type': 'application/json', 'user-agent': 'isochrone-alarms' },
    body,
  };
}
