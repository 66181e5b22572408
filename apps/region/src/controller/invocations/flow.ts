import { truthy, type Action, type Flow, type FlowSurroundings, type Ran } from '#libs/domain';

/** Nothing was caused yet. */
export const noneRan: Ran = { components: 0, conductors: 0 };

/** How an action goes about it where it consists of others; undefined where an invoker runs it. `around` is what surrounds it. */
export function flowOf(
  { exec, annotations }: Pick<Action, 'exec' | 'annotations'>,
  around: FlowSurroundings = { ran: noneRan, depth: 0 },
): Flow | undefined {
  if (exec.type === 'sequence') return { kind: 'sequence', components: exec.components, ...around };
  return truthy({ annotations }, 'conductor', false) ? { kind: 'composition', ...around } : undefined;
}
