import type { Identity } from '#libs/auth';
import {
  bytesOf,
  entityPath,
  limitViolation,
  type ActivationId,
  type Exec,
  type Flow,
  type LimitProfile,
  type RunAction,
  type RunOrder,
  type Transid,
} from '#libs/domain';
import type { ResolvedAction } from '../definitions/resolver.js';
import { consists } from './flow.js';

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
  /** How it goes about it where it consists of others. */
  readonly flow?: Flow | undefined;
  readonly cause?: ActivationId | undefined;
}

/** The order to run an action; `profile` is that of the namespace it runs in. Limits that are no longer allowed become a refusal: the activation exists and tells why it did not run. */
export function runOrder(resolved: ResolvedAction, occasion: Occasion, profile: LimitProfile): RunOrder {
  const { identity, apiKey, env, flow, cause } = occasion;
  // What a flow causes has limits of its own; those of the flow bind nothing.
  const refusal = flow ? undefined : limitViolation(resolved.action.limits, profile);
  const place = resolved.binding?.slice(resolved.binding.indexOf('/') + 1) ?? resolved.pkg;
  return {
    activationId: occasion.activationId,
    transid: occasion.transid,
    ns: identity.ns,
    namespace: identity.namespace,
    subject: identity.subject,
    action: runAction(resolved, consists(flow)),
    acceptedAtMs: occasion.acceptedAtMs,
    blocking: occasion.blocking,
    filterName: entityPath(place, resolved.name),
    ...(cause === undefined ? {} : { cause }),
    ...(flow === undefined ? {} : { flow }),
    ...(resolved.binding === undefined ? {} : { binding: resolved.binding }),
    ...(refusal === undefined ? {} : { refusal }),
    ...resultOf(identity, profile),
    ...(identity.limits.storeActivations === false ? { unkept: true as const } : {}),
    secret: { ...(apiKey === undefined ? {} : { apiKey }), env },
  };
}

/** Limits of the result, where they are the namespace's own. */
function resultOf({ limits }: Identity, { resultBytes }: LimitProfile): Pick<RunOrder, 'result'> {
  const { maxPayloadSize, truncationSize } = limits;
  if (maxPayloadSize === undefined && truncationSize === undefined) return {};
  const shown = truncationSize === undefined ? undefined : bytesOf(truncationSize);
  return { result: { bytes: resultBytes, shownBytes: Math.min(resultBytes, shown ?? resultBytes) } };
}

function runAction({ action, name, owner }: ResolvedAction, parts: boolean): RunAction {
  return {
    entityId: action.entityId,
    hlc: action.hlc,
    ns: owner.ns,
    fqn: `${owner.name}/${action.path}`,
    name,
    version: action.version,
    limits: action.limits,
    ...code(parts ? undefined : action.exec),
  };
}

/** What an invoker must know of the code; what consists of others has none. */
function code(exec: Exec | undefined): Pick<RunAction, 'kind' | 'image' | 'main' | 'binary' | 'blob' | 'keyVersion'> {
  if (!exec || exec.type === 'sequence') return { kind: 'sequence', main: '', binary: false, blob: '', keyVersion: 0 };
  return {
    kind: exec.kind,
    ...(exec.type === 'blackbox' ? { image: exec.image } : {}),
    main: exec.main ?? 'main',
    binary: exec.binary,
    blob: exec.blob ?? '',
    keyVersion: exec.keyVersion,
  };
}
