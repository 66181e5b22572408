import { statuses, type LimitProfile } from '#libs/domain';
import { inPath, inQuery, namespace, paging } from './parameters.js';
import { answer, answers, guarded } from './responses.js';
import { activationId, boolean, closed, count, listOf, moment, place, ref, string, version } from './schema.js';
import type { Part, Schema } from './types.js';

const base = '/api/v1/namespaces/{namespace}/activations';
const tags = ['Activations'];

/** Records of what ran. */
export function activationsPart(profile: LimitProfile): Part {
  const one = [namespace, inPath('activationId', 'the activation', { type: 'string', pattern: '^[0-9a-fA-F]{32}$' })];
  const list = { anyOf: [listOf(ref('ActivationSummary')), listOf(ref('Activation')), closed({ activations: count })] };
  const epoch: Schema = { type: 'integer', minimum: 0, maximum: 999_999_999_999_999 };
  return {
    tag: { name: 'Activations', description: 'Records of what ran.' },
    paths: {
      [base]: {
        parameters: [namespace],
        get: {
          operationId: 'listActivations',
          summary: 'Lists activations, the latest first',
          tags,
          parameters: [
            ...paging(profile, 'activations'),
            inQuery('name', '`ACTION` or `PACKAGE/ACTION`', { type: 'string', pattern: '^(?:[A-Za-z0-9_]+(?:/[A-Za-z0-9_]+)?)?$' }),
            inQuery('since', 'earliest start, ms since 1970', epoch),
            inQuery('upto', 'latest start, ms since 1970', epoch),
            inQuery('docs', 'whether whole records are wanted', { ...boolean, default: false }),
          ],
          responses: answers({ 200: answer('the activations, or how many', list) }, ...guarded),
        },
      },
      [`${base}/{activationId}`]: {
        parameters: one,
        get: {
          operationId: 'getActivation',
          summary: 'Reads the record of an activation',
          tags,
          responses: answers({ 200: answer('the record', ref('Activation')), 504: unreachable }, ...guarded),
        },
      },
      [`${base}/{activationId}/logs`]: {
        parameters: one,
        get: {
          operationId: 'getActivationLogs',
          summary: 'Reads the logs of an activation',
          tags,
          responses: answers({ 200: answer('the logs', closed({ logs: listOf(string) })), 504: unreachable }, ...guarded),
        },
      },
      [`${base}/{activationId}/result`]: {
        parameters: one,
        get: {
          operationId: 'getActivationResult',
          summary: 'Reads the response of an activation',
          tags,
          responses: answers({ 200: answer('the response', ref('ActivationResponse')), 504: unreachable }, ...guarded),
        },
      },
    },
    schemas,
  };
}

const unreachable = answer('the region that has it cannot be asked', ref('Error'));

const activation = {
  namespace: place,
  name: string,
  version,
  publish: boolean,
  annotations: listOf(ref('Annotation')),
  activationId,
  start: moment,
  'end?': moment,
  'duration?': { ...count, description: 'ms' },
  'cause?': { ...activationId, description: 'the activation of the sequence or composition it belongs to' },
};

const schemas: Readonly<Record<string, Schema>> = {
  ActivationResponse: closed({
    status: { type: 'string', enum: statuses },
    success: boolean,
    'result?': { description: 'what was returned' },
    'size?': { ...count, description: 'bytes' },
  }),
  Activation: closed({ ...activation, subject: string, response: ref('ActivationResponse'), logs: listOf(string) }),
  ActivationSummary: closed({ ...activation, 'statusCode?': { type: 'integer', enum: [0, 1, 2, 3] } }),
};
