import type { InvokerStatus } from '../../kafka/acceptance.js';

/** Every invoker, as `up` where it takes work and `down` where it does not, by OpenWhisk's names: its number, and what it is called beside that. */
export function invokerStates(invokers: readonly InvokerStatus[]): Record<string, 'up' | 'down'> {
  const ordered = invokers.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(
    ordered.map((invoker, at) => [`invoker${at}/${invoker.name.replace(/^invoker-/, '')}`, isUp(invoker) ? 'up' : 'down']),
  );
}

/** How many invokers take work. A controller counts as ready when all do, and there are some. */
export function readinessOf(invokers: readonly InvokerStatus[]): { ready: boolean; healthy: number; all: number } {
  const healthy = invokers.filter(isUp).length;
  return { ready: healthy > 0 && healthy === invokers.length, healthy, all: invokers.length };
}

function isUp({ connected, draining }: InvokerStatus): boolean {
  return connected && !draining;
}
