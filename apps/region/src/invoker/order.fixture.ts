import type { ActionLimits, ActivationId, EntityId, Hlc, NamespaceId, RunAction, RunOrder, RunSecret, Transid } from '#libs/domain';

/** What a spec may say about an order; everything else is a valid default. */
export interface OrderGiven {
  readonly id?: string;
  readonly binding?: string;
  readonly cause?: string;
  readonly refusal?: string;
  readonly image?: string;
  readonly hlc?: string;
  readonly blob?: string;
  readonly secret?: RunSecret;
}

/** An order to run `guest/p/hello`. */
export function anOrder(given: OrderGiven = {}, limits: Partial<ActionLimits> = {}): RunOrder {
  const action: RunAction = {
    entityId: '00000000-0000-4000-8000-000000000001' as EntityId,
    hlc: (given.hlc ?? '1') as Hlc,
    ns: '00000000-0000-4000-8000-00000000000a' as NamespaceId,
    fqn: 'guest/p/hello',
    name: 'hello',
    version: '0.0.1',
    ...(given.image === undefined ? { kind: 'nodejs:20' } : { kind: 'blackbox', image: given.image }),
    main: 'main',
    binary: false,
    blob: given.blob ?? 'b10b',
    keyVersion: 1,
    limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1, ...limits },
  };
  return {
    activationId: (given.id ?? '01').padEnd(32, '0') as ActivationId,
    transid: 'tid' as Transid,
    ns: action.ns,
    namespace: 'guest',
    subject: 'guest',
    action,
    acceptedAtMs: 1000,
    blocking: true,
    filterName: 'p/hello',
    secret: given.secret ?? { env: {} },
    ...(given.binding === undefined ? {} : { binding: given.binding }),
    ...(given.cause === undefined ? {} : { cause: given.cause as ActivationId }),
    ...(given.refusal === undefined ? {} : { refusal: given.refusal }),
  };
}
