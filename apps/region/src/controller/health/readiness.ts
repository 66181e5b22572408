import type { InvokerStatus } from '../../kafka/acceptance.js';

/** What a region's readiness is judged by. */
export interface Vitals {
  readonly stopping: boolean;
  readonly postgres: boolean;
  readonly queue: boolean;
  readonly invokers: readonly InvokerStatus[];
}

/** The body of `GET /health/ready`. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: { readonly serving: boolean; readonly postgres: boolean; readonly queue: boolean; readonly invokers: number };
  /** Full sentences for an operator. */
  readonly warnings: readonly string[];
}

/** Whether a controller should be sent requests: it serves, its database and queue answer, and some invoker takes work. */
export function readiness({ stopping, postgres, queue, invokers }: Vitals): Readiness {
  const able = invokers.filter(({ connected, draining }) => connected && !draining).length;
  const checks = { serving: !stopping, postgres, queue, invokers: able };
  const warnings = new Set(invokers.flatMap(({ sandbox }) => sandbox?.warnings ?? []));
  return { ready: !stopping && postgres && queue && able > 0, checks, warnings: [...warnings] };
}
