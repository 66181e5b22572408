import { nativeActions, systemNamespace, truthy, type Action, type Flow, type FlowSurroundings, type Ran } from '#libs/domain';

/** Nothing was caused yet. */
export const noneRan: Ran = { components: 0, conductors: 0 };

/** How an action goes about it where the region runs it; undefined where an invoker does. `around` is what surrounds it. */
export function flowOf(
  { action, owner }: { readonly action: Pick<Action, 'path' | 'exec' | 'annotations'>; readonly owner: { readonly name: string } },
  around: FlowSurroundings = { ran: noneRan, depth: 0 },
): Flow | undefined {
  const { exec, annotations } = action;
  if (owner.name === systemNamespace.name && nativeActions.has(action.path)) return { kind: 'native', ...around };
  if (exec.type === 'sequence') return { kind: 'sequence', components: exec.components, ...around };
  return truthy({ annotations }, 'conductor', false) ? { kind: 'composition', ...around } : undefined;
}

/** Whether a flow consists of other activations: then what it is called with and how it is limited is their affair. */
export function consists(flow: Flow | undefined): boolean {
  return flow !== undefined && flow.kind !== 'native';
}
