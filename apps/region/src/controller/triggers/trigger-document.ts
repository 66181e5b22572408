import { annotationsJson, jsonObject, toJsonText, type JsonText, type Trigger } from '#libs/domain';
import { parametersJson } from '../definitions/codec.js';

/** The document of a trigger. */
export function triggerJson(trigger: Trigger, namespace: string): JsonText {
  return jsonObject([
    ['namespace', toJsonText(namespace)],
    ['name', toJsonText(trigger.path)],
    ['version', toJsonText(trigger.version)],
    ['publish', toJsonText(trigger.publish)],
    ['parameters', parametersJson(trigger.parameters)],
    ['annotations', annotationsJson(trigger.annotations)],
    ['limits', toJsonText({})],
    ['updated', toJsonText(trigger.updated)],
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
