import { namespace, inPath } from './parameters.js';
import { answer, answers, guarded } from './responses.js';
import { boolean, closed, count, listOf, name, ref, string } from './schema.js';
import type { Part } from './types.js';

const tags = ['Namespaces'];

/** Namespaces and their limits. */
export const namespacesPart: Part = {
  tag: { name: 'Namespaces', description: 'Whose things are whose, and how much of it one may have.' },
  paths: {
    '/api/v1/namespaces': {
      get: {
        operationId: 'listNamespaces',
        summary: 'Names the namespace of the key',
        tags,
        responses: answers({ 200: answer('the one namespace', { ...listOf(name), minItems: 1, maxItems: 1 }) }, 401),
      },
    },
    '/api/v1/namespaces/{namespace}/limits': {
      parameters: [namespace],
      get: {
        operationId: 'getLimits',
        summary: 'Reads the limits of a namespace',
        tags,
        responses: answers({ 200: answer('the limits', ref('Limits')) }, ...guarded),
      },
    },
    '/api/v1/namespaces/{namespace}/limits/{limit}': {
      parameters: [namespace, inPath('limit', 'anything', string)],
      get: {
        operationId: 'getLimit',
        summary: 'Is always refused, as OpenWhisk does',
        tags,
        responses: answers({}, ...guarded),
      },
    },
  },
  schemas: {
    Limits: closed({
      invocationsPerMinute: count,
      firesPerMinute: count,
      concurrentInvocations: count,
      'allowedKinds?': listOf(string),
      'storeActivations?': boolean,
      minActionMemory: count,
      maxActionMemory: count,
      minActionLogs: count,
      maxActionLogs: count,
      minActionTimeout: count,
      maxActionTimeout: count,
      minActionConcurrency: count,
      maxActionConcurrency: count,
      maxParameterSize: { type: 'string', pattern: '^\\d+ B$' },
      maxActionInstances: count,
    }),
  },
};
