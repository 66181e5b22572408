import { namespace } from './parameters.js';
import { answer, answers, guarded } from './responses.js';
import { closed, json, listOf, ref, string } from './schema.js';
import type { Header, Part, Schema } from './types.js';

const tags = ['Adobe'];
const path = '/runtime/namespaces/{namespace}/logForwarding';

const state: Readonly<Record<string, Header>> = {
  'X-Isochrone-State': { description: 'there where nothing is sent to the destination', schema: { const: 'not-forwarded' } },
};

/** A destination by its name, with what is told and, where it is set, with its secrets. */
const destination = (name: string, shown: readonly string[], secret: readonly string[] = []): Schema =>
  closed({ [name]: closed(Object.fromEntries([...shown, ...secret].map((field) => [field, string]))) });

const destinations = [
  ['adobe_io_runtime', []],
  ['azure_log_analytics', ['customer_id', 'log_type'], ['shared_key']],
  ['splunk_hec', ['host', 'port', 'index'], ['hec_token']],
  ['new_relic', ['base_uri'], ['license_key']],
] as const;

/** What the clients of Adobe I/O Runtime ask beyond OpenWhisk's API. */
export const adobePart: Part = {
  tag: { name: 'Adobe', description: 'What the clients of Adobe I/O Runtime ask beyond OpenWhisk’s API.' },
  paths: {
    [path]: {
      parameters: [namespace],
      get: {
        operationId: 'getLogForwarding',
        summary: 'Tells where the logs of a namespace are to go',
        tags,
        responses: answers({ 200: answer('the destination, without its secrets', ref('LogForwarding'), state) }, ...guarded),
      },
      put: {
        operationId: 'setLogForwarding',
        summary: 'Says where the logs of a namespace are to go',
        tags,
        requestBody: { required: true, content: json(ref('LogForwardingPut')) },
        responses: answers({ 200: answer('the destination, without its secrets', ref('LogForwarding'), state) }, ...guarded),
      },
    },
    [`${path}/errors`]: {
      parameters: [namespace],
      get: {
        operationId: 'getLogForwardingErrors',
        summary: 'Tells why logs did not arrive',
        tags,
        responses: answers(
          { 200: answer('the destination and its errors', closed({ configured_forwarder: string, errors: listOf(string) }), state) },
          ...guarded,
        ),
      },
    },
    '/audit-log-api/event-post': {
      post: {
        operationId: 'postDeployEvent',
        summary: 'Takes what a deployment tells of itself, and drops it',
        tags,
        requestBody: { required: false, content: { 'application/json': {} } },
        responses: answers({ 200: answer('nothing', closed({})) }, ...guarded),
      },
    },
  },
  schemas: {
    LogForwarding: { anyOf: destinations.map(([name, shown]) => destination(name, shown)) },
    LogForwardingPut: { anyOf: destinations.map(([name, shown, secret]) => destination(name, shown, secret)) },
  },
};
