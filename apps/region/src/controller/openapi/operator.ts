import { answer, answers, plain } from './responses.js';
import { closed, count, listOf, string, text } from './schema.js';
import type { Part } from './types.js';

const tags = ['Operation'];
const security = [{}];
const share = { type: 'string', pattern: '^\\d+/\\d+$' } as const;

/** What operators of OpenWhisk ask of a controller; only where that is enabled. */
export const operatorPart: Part = {
  tag: { name: 'Operation', description: 'What operators ask of a controller.' },
  paths: {
    '/invokers': {
      get: {
        operationId: 'listInvokers',
        summary: 'Tells which invokers are up',
        tags,
        security,
        responses: answers({
          200: answer('the state of each invoker', { type: 'object', additionalProperties: { type: 'string', enum: ['up', 'down'] } }),
        }),
      },
    },
    '/invokers/healthy/count': {
      get: {
        operationId: 'countHealthyInvokers',
        summary: 'Counts the invokers that are up',
        tags,
        security,
        responses: answers({ 200: answer('how many', count) }),
      },
    },
    '/invokers/ready': {
      get: {
        operationId: 'areInvokersReady',
        summary: 'Tells whether all invokers are up',
        tags,
        security,
        responses: answers({
          200: answer('all are', closed({ healthy: share })),
          500: answer('some are not', { anyOf: [closed({ unhealthy: share }), { $ref: '#/components/schemas/Error' }] }),
        }),
      },
    },
    '/activation': {
      get: {
        operationId: 'listRunning',
        summary: 'Names what this controller has running',
        tags,
        security,
        responses: answers({
          200: answer('id and action of each activation', listOf({ ...listOf(string), minItems: 2, maxItems: 2 })),
        }),
      },
    },
    '/activation/count': {
      get: {
        operationId: 'countRunning',
        summary: 'Counts what this controller has running',
        tags,
        security,
        responses: answers({ 200: answer('how many', count) }),
      },
    },
    '/disable': {
      post: {
        operationId: 'disableController',
        summary: 'Turns the readiness of this controller red, so that nobody sends it more',
        tags,
        security: [{ controller: [] }],
        responses: answers({ 200: plain('it is', text({ const: 'controller is disabled' })) }, 401),
      },
    },
  },
};
