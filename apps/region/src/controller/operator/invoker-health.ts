import type { InvokerStatus } from '../../kafka/acceptance.js';

/** Every invoker by its name, as `up` where it takes work and `down` where it does not. */
export function invokerStates(invokers: readonly InvokerStatus[]): Record<string, 'up' | 'down'> {
  return Object.fromEntries(invokers.map((invoker) => [invoker.name, isUp(invoker) ? 'up' : 'down']));
}

/** How many invokers take work. A controller counts as ready when all do, and there are some. */
export function readinessOf(invokers: readonly InvokerStatus[]): { ready: boolean; healthy: number; all: number } {
  const healthy = invokers.filter(isUp).length;
  return { ready: healthy > 0 && healthy === invokers.length, healthy, all: invokers.length };
}

function isUp({ connected, draining }: InvokerStatus): boolean {
  return connected && !draining;
}
