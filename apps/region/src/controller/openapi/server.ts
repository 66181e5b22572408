import { answer, answers, plain } from './responses.js';
import { boolean, closed, count, listOf, string, text } from './schema.js';
import type { Part, Schema } from './types.js';

const tags = ['Server'];
const security = [{}];

/** What the server tells anyone of itself. */
export const serverPart: Part = {
  tag: { name: 'Server', description: 'What the server tells anyone of itself.' },
  paths: {
    '/': {
      get: {
        operationId: 'getServer',
        summary: 'Tells limits and runtimes',
        tags,
        security,
        responses: answers({ 200: answer('the server', { $ref: '#/components/schemas/Server' }) }),
      },
    },
    '/ping': {
      get: {
        operationId: 'ping',
        summary: 'Answers',
        tags,
        security,
        responses: answers({ 200: plain('it lives', text({ const: 'pong' })) }),
      },
    },
    '/api/v1': {
      get: {
        operationId: 'getApi',
        summary: 'Tells the version of the API',
        tags,
        security,
        responses: answers({ 200: answer('the API', { $ref: '#/components/schemas/Api' }) }),
      },
    },
    ...Object.fromEntries(
      ['/api-docs', '/api/v1/api-docs'].map((path) => [
        path,
        {
          get: {
            operationId: path === '/api-docs' ? 'getDocument' : 'getApiDocument',
            summary: 'This document',
            tags,
            security,
            responses: answers({ 200: answer('this document', { type: 'object' }), 304: plain('it is the one that you have') }),
          },
        },
      ]),
    ),
    ...Object.fromEntries(
      ['/docs', '/api/v1/docs'].map((path) => [
        path,
        {
          get: {
            operationId: path === '/docs' ? 'getPage' : 'getApiPage',
            summary: 'A page to read this document',
            tags,
            security,
            responses: answers({
              200: plain('the page', { 'text/html': { schema: string } }),
              304: plain('it is the one that you have'),
            }),
          },
        },
      ]),
    ),
  },
  schemas: schemas(),
};

function schemas(): Readonly<Record<string, Schema>> {
  const bounds = ['action_duration', 'action_memory', 'action_logs'].flatMap((what) => [`min_${what}`, `max_${what}`]);
  const runtime = closed({ kind: string, image: string, deprecated: boolean, default: boolean, attached: boolean, requireMain: boolean });
  return {
    Server: closed({
      description: string,
      support: closed({ github: string, slack: string }),
      api_paths: listOf(string),
      limits: closed({
        actions_per_minute: count,
        triggers_per_minute: count,
        concurrent_actions: count,
        sequence_length: count,
        ...Object.fromEntries([...bounds, ...bounds.map((bound) => `default_${bound}`)].map((bound) => [bound, count])),
      }),
      runtimes: { type: 'object', additionalProperties: listOf(runtime) },
    }),
    Api: closed({
      description: string,
      api_version: string,
      api_version_path: string,
      build: string,
      buildno: string,
      swagger_paths: closed({ ui: string, 'api-docs': string }),
    }),
  };
}
