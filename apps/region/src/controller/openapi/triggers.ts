import type { LimitProfile } from '#libs/domain';
import { inPath, namespace, overwrite, paging } from './parameters.js';
import { activationHeader, answer, answers, guarded, plain, withBody } from './responses.js';
import { activationId, closed, count, entity, entityPut, json, listOf, open, ref } from './schema.js';
import type { Part, Schema } from './types.js';

const base = '/api/v1/namespaces/{namespace}/triggers';
const tags = ['Triggers'];

/** Triggers: what may happen. */
export function triggersPart(profile: LimitProfile): Part {
  const document = answer('the trigger', ref('Trigger'));
  const summaries = { anyOf: [listOf(ref('TriggerSummary')), closed({ triggers: count })] };
  return {
    tag: { name: 'Triggers', description: 'What may happen; rules say which actions follow.' },
    paths: {
      [base]: {
        parameters: [namespace],
        get: {
          operationId: 'listTriggers',
          summary: 'Lists triggers',
          tags,
          parameters: paging(profile, 'triggers'),
          responses: answers({ 200: answer('the triggers, or how many', summaries) }, ...guarded),
        },
      },
      [`${base}/{triggerName}`]: {
        parameters: [namespace, inPath('triggerName', 'the trigger')],
        get: { operationId: 'getTrigger', summary: 'Reads a trigger', tags, responses: answers({ 200: document }, ...guarded, 409) },
        put: {
          operationId: 'putTrigger',
          summary: 'Creates or updates a trigger',
          tags,
          parameters: [overwrite],
          requestBody: { required: true, content: json(ref('TriggerPut')) },
          responses: answers({ 200: document }, ...guarded, ...withBody, 409),
        },
        delete: {
          operationId: 'deleteTrigger',
          summary: 'Deletes a trigger',
          tags,
          responses: answers({ 200: document }, ...guarded, 409),
        },
        post: {
          operationId: 'fireTrigger',
          summary: 'Fires a trigger',
          tags,
          requestBody: { required: false, content: json({ type: 'object' }) },
          responses: answers(
            {
              202: answer('its rules are followed', closed({ activationId }), activationHeader),
              204: plain('no active rule is attached to it'),
            },
            ...guarded,
            ...withBody,
            409,
            429,
          ),
        },
      },
    },
    schemas,
  };
}

const rules: Schema = {
  type: 'object',
  description: 'the rules attached, by `NS/RULE`',
  additionalProperties: closed({ action: ref('Reference'), status: ref('RuleStatus') }),
};

const schemas: Readonly<Record<string, Schema>> = {
  Trigger: closed({ ...entity, parameters: listOf(ref('Parameter')), limits: closed({}), 'rules?': rules }),
  TriggerSummary: closed(entity),
  TriggerPut: open({ ...entityPut, 'parameters?': listOf(ref('ParameterPut')), 'limits?': open({}) }),
};
