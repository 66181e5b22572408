import { concurrencyOf, type RunOrder } from '#libs/domain';

/** Where an invoker stands, as action code sees it. */
export interface Surroundings {
  readonly region: string;
  readonly cloud: string;
  readonly apiHost: string;
  /** Where State is kept, for Adobe's library; undefined where it is not. */
  readonly stateEndpoint?: string | undefined;
}

/** The `__OW_*` environment of one run. `deadlineMs` is when it is killed, epoch ms. */
export function runEnvironment(order: RunOrder, deadlineMs: number, surroundings: Surroundings): Record<string, string> {
  const { region, cloud, apiHost, stateEndpoint } = surroundings;
  const { action, secret } = order;
  return {
    __OW_API_HOST: apiHost,
    ...(secret.apiKey === undefined ? {} : { __OW_API_KEY: secret.apiKey }),
    __OW_NAMESPACE: order.namespace,
    __OW_ACTION_NAME: `/${action.fqn}`,
    __OW_ACTION_VERSION: action.version,
    __OW_ACTIVATION_ID: order.activationId,
    __OW_TRANSACTION_ID: order.transid,
    __OW_DEADLINE: String(deadlineMs),
    __OW_REGION: region,
    __OW_CLOUD: cloud,
    ...(stateEndpoint === undefined ? {} : { AIO_STATE_ENDPOINT: stateEndpoint }),
    ...(concurrencyOf(action.kind, action.limits.concurrency) > 1 ? { __OW_ALLOW_CONCURRENT: 'true' } : {}),
  };
}

/** The environment of an init: the action's `init` parameters, and what the run that caused it sees. A parameter never hides a `__OW_*`. */
export function initEnvironment(order: RunOrder, deadlineMs: number, surroundings: Surroundings): Record<string, string> {
  return { ...order.secret.env, ...runEnvironment(order, deadlineMs, surroundings) };
}
