import { extensions } from '../web/web-target.js';
import { inPath } from './parameters.js';
import { name } from './schema.js';
import type { Method, Operation, Part } from './types.js';

const methods: readonly Method[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];

/** Web actions: what they answer is theirs, so nothing can be said of it beforehand. */
export const webPart: Part = {
  tag: { name: 'Web actions', description: 'Actions that answer HTTP requests of anyone.' },
  paths: {
    '/api/v1/web/{namespace}/{packageName}/{actionName}': {
      'x-continues': true,
      parameters: [
        inPath('namespace', 'the namespace of the action', name),
        inPath('packageName', 'its package, or `default`', { ...name, examples: ['default'] }),
        inPath('actionName', `its name, with or without one of ${extensions.map((extension) => `\`.${extension}\``).join(', ')}`),
      ],
      ...Object.fromEntries(methods.map((method) => [method, web(method)])),
    },
  },
};

function web(method: Method): Operation {
  return {
    operationId: `${method}WebAction`,
    summary: 'Asks a web action',
    description: 'What follows the name in the path goes to the action. Refusals of the platform are `{error, code}`, as everywhere.',
    tags: ['Web actions'],
    security: [{}, { key: [] }, { secret: [] }],
    ...(method === 'put' || method === 'post' || method === 'patch' ? { requestBody: { required: false, content: { '*/*': {} } } } : {}),
    responses: { default: { description: 'what the action answers, or why it could not', content: { '*/*': {} } } },
  };
}
