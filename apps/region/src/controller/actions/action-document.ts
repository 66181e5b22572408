import { annotationsJson, jsonObject, limitsJson, toJsonText, type Action, type Exec, type JsonText, type Parameter } from '#libs/domain';
import { parametersJson } from '../definitions/codec.js';

/** What an action's document shows beside the action itself. */
export interface ActionView {
  /** `NS` or `NS/PKG` of the provider. */
  readonly namespace: string;
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** The code as it was sent; undefined leaves it out. */
  readonly code: string | undefined;
  /** `NS/BINDING` it was resolved through. */
  readonly binding?: string;
}

/** The document of an action as GET, PUT and DELETE answer it. */
export function actionJson(action: Action, view: ActionView): JsonText {
  return jsonObject([
    ['namespace', toJsonText(view.namespace)],
    ['name', toJsonText(view.name)],
    ['version', toJsonText(action.version)],
    ['publish', toJsonText(action.publish)],
    ['exec', execJson(action.exec, view.code)],
    ['parameters', parametersJson(view.parameters)],
    ['annotations', annotationsJson(action.annotations)],
    ['limits', limitsJson(action.limits)],
    ['updated', toJsonText(action.updated)],
    ...(view.binding === undefined ? [] : [['binding', toJsonText(view.binding)] as const]),
  ]);
}

/** The entry of an action in a list. */
export function actionSummary(action: Action, { namespace, name }: Pick<ActionView, 'namespace' | 'name'>): JsonText {
  return jsonObject([
    ['namespace', toJsonText(namespace)],
    ['name', toJsonText(name)],
    ['version', toJsonText(action.version)],
    ['publish', toJsonText(action.publish)],
    ['annotations', annotationsJson(action.annotations)],
    ['limits', limitsJson(action.limits)],
    ['exec', toJsonText({ binary: isBinaryExec(action.exec) })],
    ['updated', toJsonText(action.updated)],
  ]);
}

function execJson(exec: Exec, code: string | undefined): JsonText {
  if (exec.type === 'sequence') return toJsonText({ kind: exec.kind, components: exec.components });
  const shown = code === undefined || (exec.type === 'blackbox' && code === '') ? {} : { code };
  const main = exec.main === undefined ? {} : { main: exec.main };
  const image = exec.type === 'blackbox' ? { image: exec.image } : {};
  return toJsonText({ kind: exec.kind, ...image, ...shown, binary: exec.binary, ...main });
}

function isBinaryExec(exec: Exec): boolean {
  return exec.type !== 'sequence' && exec.binary;
}
