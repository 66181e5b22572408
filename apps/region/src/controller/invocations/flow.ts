import type { Action, Flow, Ran } from '#libs/domain';

/** Nothing was caused yet. */
export const noneRan: Ran = { components: 0, conductors: 0 };

/** How an action goes about it where it consists of others; undefined where an invoker runs it. `around` is what surrounds it. */
export function flowOf({ exec }: Pick<Action, 'exec' | 'annotations'>, around = { ran: noneRan, depth: 0 }): Flow | undefined {
  return exec.type === 'sequence' ? { kind: 'sequence', components: exec.components, ...around } : undefined;
}
