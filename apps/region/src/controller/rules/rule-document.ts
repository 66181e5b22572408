import { annotationsJson, jsonObject, toJsonText, type JsonText, type Rule, type Trigger } from '#libs/domain';

/** The document of a rule; lists leave out its status. */
export function ruleJson(rule: Rule, namespace: string, status?: Rule['status']): JsonText {
  return jsonObject([
    ['namespace', toJsonText(namespace)],
    ['name', toJsonText(rule.path)],
    ['version', toJsonText(rule.version)],
    ['publish', toJsonText(rule.publish)],
    ['annotations', annotationsJson(rule.annotations)],
    ['updated', toJsonText(rule.updated)],
    ['trigger', toJsonText({ ...rule.trigger })],
    ['action', toJsonText({ ...rule.action })],
    ...(status === undefined ? [] : [['status', toJsonText(status)] as const]),
  ]);
}

/** What a trigger's document says of the rules attached to it, by `NS/RULE`. */
export function rulesJson(rules: readonly Rule[], namespace: string): JsonText {
  return toJsonText(
    Object.fromEntries(rules.map(({ path, action, status }) => [`${namespace}/${path}`, { action: { ...action }, status }])),
  );
}

/** Whether a rule follows this very trigger. */
export function isAttached(rule: Rule, trigger: Pick<Trigger, 'path' | 'entityId'>): boolean {
  return rule.trigger.name === trigger.path && rule.triggerId === trigger.entityId;
}

/** The status of a rule as it counts: one whose trigger is gone is inactive, whatever its row says. */
export function statusOf(rule: Rule, trigger: Pick<Trigger, 'path' | 'entityId'> | undefined): Rule['status'] {
  return trigger && isAttached(rule, trigger) ? rule.status : 'inactive';
}
