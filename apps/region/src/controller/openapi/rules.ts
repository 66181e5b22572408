import type { LimitProfile } from '#libs/domain';
import { inPath, namespace, overwrite, paging } from './parameters.js';
import { answer, answers, guarded, plain, withBody } from './responses.js';
import { closed, count, entity, entityPut, json, listOf, open, place, ref, string, text } from './schema.js';
import type { Part, Schema } from './types.js';

const base = '/api/v1/namespaces/{namespace}/rules';
const tags = ['Rules'];

/** Rules: which action follows which trigger. */
export function rulesPart(profile: LimitProfile): Part {
  const document = answer('the rule', ref('Rule'));
  const summaries = { anyOf: [listOf(ref('RuleSummary')), closed({ rules: count })] };
  return {
    tag: { name: 'Rules', description: 'Which action follows which trigger.' },
    paths: {
      [base]: {
        parameters: [namespace],
        get: {
          operationId: 'listRules',
          summary: 'Lists rules',
          tags,
          parameters: paging(profile, 'rules'),
          responses: answers({ 200: answer('the rules, or how many', summaries) }, ...guarded),
        },
      },
      [`${base}/{ruleName}`]: {
        parameters: [namespace, inPath('ruleName', 'the rule')],
        get: { operationId: 'getRule', summary: 'Reads a rule', tags, responses: answers({ 200: document }, ...guarded, 409) },
        put: {
          operationId: 'putRule',
          summary: 'Creates or updates a rule',
          tags,
          parameters: [overwrite],
          requestBody: { required: true, content: json(ref('RulePut')) },
          responses: answers({ 200: document }, ...guarded, ...withBody, 409),
        },
        delete: { operationId: 'deleteRule', summary: 'Deletes a rule', tags, responses: answers({ 200: document }, ...guarded, 409) },
        post: {
          operationId: 'setRuleStatus',
          summary: 'Switches a rule on or off',
          tags,
          requestBody: { required: true, content: json(open({ status: ref('RuleStatus') })) },
          responses: answers({ 200: plain('it is so', text({ const: 'OK' })) }, ...guarded, ...withBody, 409),
        },
      },
    },
    schemas,
  };
}

const rule = { ...entity, trigger: ref('Reference'), action: ref('Reference') };
const named: Schema = { anyOf: [{ type: 'string', examples: ['/_/a'] }, open({ path: place, name: string })] };

const schemas: Readonly<Record<string, Schema>> = {
  RuleStatus: { type: 'string', enum: ['active', 'inactive'] },
  Rule: closed({ ...rule, status: ref('RuleStatus') }),
  RuleSummary: closed(rule),
  RulePut: open({ ...entityPut, 'trigger?': named, 'action?': named }),
};
