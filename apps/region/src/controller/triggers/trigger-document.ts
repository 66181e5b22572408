import { annotationsJson, jsonObject, toJsonText, type JsonText, type Trigger } from '#libs/domain';
import { parametersJson } from '../definitions/codec.js';

/** The document of a trigger; `rules` is there once a rule has been attached to it. */
export function triggerJson(trigger: Trigger, namespace: string, rules?: JsonText): JsonText {
  return jsonObject([
    ['namespace', toJsonText(namespace)],
    ['name', toJsonText(trigger.path)],
    ['version', toJsonText(trigger.version)],
    ['publish', toJsonText(trigger.publish)],
    ['parameters', parametersJson(trigger.parameters)],
    ['annotations', annotationsJson(trigger.annotations)],
    ['limits', toJsonText({})],
    ['updated', toJsonText(trigger.updated)],
    ...(rules === undefined ? [] : [['rules', rules] as const]),
  ]);
}

/** The entry of a trigger in a list. */
export function triggerSummary(trigger: Trigger, namespace: string): JsonText {
  return jsonObject([
    ['namespace', toJsonText(namespace)],
    ['name', toJsonText(trigger.path)],
    ['version', toJsonText(trigger.version)],
    ['publish', toJsonText(trigger.publish)],
    ['annotations', annotationsJson(trigger.annotations)],
    ['updated', toJsonText(trigger.updated)],
  ]);
}
