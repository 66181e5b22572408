import type { Identity } from '#libs/auth';
import {
  entityPath,
  Failure,
  limitViolation,
  type ActivationId,
  type LimitProfile,
  type RunAction,
  type RunOrder,
  type Transid,
} from '#libs/domain';
import type { ResolvedAction } from '../definitions/resolver.js';

/** What is known of an invocation beside the action. */
export interface Occasion {
  readonly activationId: ActivationId;
  readonly transid: Transid;
  /** Whose namespace it runs in. */
  readonly identity: Identity;
  readonly acceptedAtMs: number;
  readonly blocking: boolean;
  readonly apiKey: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

/** The order to run an action. Limits that are no longer allowed become a refusal: the activation exists and tells why it did not run. */
export function runOrder(resolved: ResolvedAction, occasion: Occasion, profile: LimitProfile, concurrentInvocations: number): RunOrder {
  const { identity, apiKey, env } = occasion;
  const refusal = limitViolation(resolved.action.limits, profile, concurrentInvocations);
  const place = resolved.binding?.slice(resolved.binding.indexOf('/') + 1) ?? resolved.pkg;
  return {
    activationId: occasion.activationId,
    transid: occasion.transid,
    ns: identity.ns,
    namespace: identity.namespace,
    subject: identity.subject,
    action: runAction(resolved),
    acceptedAtMs: occasion.acceptedAtMs,
    blocking: occasion.blocking,
    filterName: entityPath(place, resolved.name),
    ...(resolved.binding === undefined ? {} : { binding: resolved.binding }),
    ...(refusal === undefined ? {} : { refusal }),
    secret: { ...(apiKey === undefined ? {} : { apiKey }), env },
  };
}

function runAction({ action, name, owner }: ResolvedAction): RunAction {
  const { exec } = action;
  if (exec.type === 'sequence') throw new Failure('bad-request', { reason: 'Sequences are not supported by this region.' });
  return {
    entityId: action.entityId,
    hlc: action.hlc,
    ns: owner.ns,
    fqn: `${owner.name}/${action.path}`,
    name,
    version: action.version,
    kind: exec.kind,
    main: exec.main ?? 'main',
    binary: exec.binary,
    blob: exec.blob ?? '',
    keyVersion: exec.keyVersion,
    limits: action.limits,
  };
}
