import type { IncomingHttpHeaders } from 'node:http';
import type { Identity } from '#libs/auth';
import {
  toJsonText,
  type ActivationId,
  type ActivationRecord,
  type Failure,
  type JsonText,
  type Parameter,
  type Transid,
  type Trigger,
} from '#libs/domain';
import { mergeArguments, type Payload } from '../invocations/payload.js';

/** A rule and its action by their full names, as a trigger's record tells them. */
export interface Followed {
  readonly rule: string;
  readonly action: string;
}

/** Headers that tell of the body alone: OpenWhisk does not count them among a request's. */
const ofTheBody = new Set(['content-type', 'content-length']);

/** What the actions behind a trigger are called with: its parameters, below the headers of the request as `__ow_headers`, below its payload. */
export function firePayload({ parameters }: Pick<Trigger, 'parameters'>, headers: IncomingHttpHeaders, payload: Payload): Payload {
  const sent = Object.entries(headers).filter(([name]) => !ofTheBody.has(name));
  const told = sent.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')] as const);
  const defaults: Parameter[] = [
    ...parameters.filter(({ key }) => key !== '__ow_headers').map(({ key, value }) => ({ key, value })),
    { key: '__ow_headers', value: toJsonText(Object.fromEntries(told)) },
  ];
  return {
    keys: new Set([...defaults.map(({ key }) => key), ...payload.keys]),
    body: mergeArguments(defaults, payload.keys, payload.body).args,
  };
}

/** The line of a rule whose action was invoked. */
export function invokedLog({ rule, action }: Followed, activationId: ActivationId): string {
  return JSON.stringify({ statusCode: 0, success: true, activationId, rule, action });
}

/** The line of a rule whose action was not: 1 where the rule or its action is at fault, 3 where we are. */
export function rejectedLog({ rule, action }: Followed, { status, message }: Pick<Failure, 'status' | 'message'>): string {
  return JSON.stringify({ statusCode: status < 500 ? 1 : 3, success: false, error: message, rule, action });
}

/** The line of a rule that is switched off. */
export function inactiveLog({ rule, action }: Followed): string {
  const error = `Rule '${rule}' is inactive, action '${action}' was not activated.`;
  return JSON.stringify({ statusCode: 1, success: false, error, rule, action });
}

/** The record of a fired trigger: it has a beginning and no end. */
export function fireRecord(
  trigger: Trigger,
  fired: {
    readonly id: ActivationId;
    readonly identity: Identity;
    readonly transid: Transid;
    readonly region: string;
    readonly firedAtMs: number;
    readonly result: JsonText;
    readonly logs: readonly string[];
  },
): ActivationRecord {
  const { id, identity, transid, region, firedAtMs, result, logs } = fired;
  return {
    activationId: id,
    ns: identity.ns,
    namespace: identity.namespace,
    name: trigger.path,
    filterName: trigger.path,
    version: trigger.version,
    subject: identity.subject,
    start: firedAtMs,
    response: { statusCode: 0, result },
    logs,
    annotations: [],
    trace: {
      transid,
      region,
      start: 'none',
      waitMs: 0,
      attempt: 0,
      ...(identity.limits.storeActivations === false ? { unkept: true } : {}),
    },
  };
}
