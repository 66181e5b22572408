import type { LimitProfile } from '#libs/domain';
import type { Offer } from '../actions/runtimes.js';
import { inPath, inQuery, namespace, overwrite, paging } from './parameters.js';
import { activationHeader, answer, answers, guarded, withBody } from './responses.js';
import { activationId, boolean, closed, count, entity, entityPut, json, listOf, name, open, place, ref, string } from './schema.js';
import type { Operation, Part, PathItem, Schema } from './types.js';

const base = '/api/v1/namespaces/{namespace}/actions';
const tags = ['Actions'];

/** Actions: what runs. */
export function actionsPart(offer: Offer): Part {
  const { profile } = offer;
  const packaged = [inPath('packageName', 'a package or a binding'), inPath('actionName', 'the action')];
  return {
    tag: { name: 'Actions', description: 'What runs: code, images, and sequences of actions.' },
    paths: {
      [base]: { parameters: [namespace], get: list('listActions', 'Lists actions, those in packages too', profile) },
      [`${base}/{actionName}`]: action('', [namespace, inPath('actionName', 'the action')], profile),
      [`${base}/{packageName}/`]: {
        parameters: [namespace, inPath('packageName', 'a package or a binding')],
        get: list('listPackagedActions', 'Lists the actions of a package', profile, 409),
      },
      [`${base}/{packageName}/{actionName}`]: action('Packaged', [namespace, ...packaged], profile),
    },
    schemas: schemas(offer),
  };
}

function list(operationId: string, summary: string, profile: LimitProfile, ...more: 409[]): Operation {
  const body = { anyOf: [listOf(ref('ActionSummary')), closed({ actions: count })] };
  return {
    operationId,
    summary,
    tags,
    parameters: paging(profile, 'actions'),
    responses: answers({ 200: answer('the actions, or how many', body) }, ...guarded, ...more),
  };
}

function action(what: string, parameters: NonNullable<PathItem['parameters']>, profile: LimitProfile): PathItem {
  const document = answer('the action', ref('Action'));
  return {
    parameters,
    get: {
      operationId: `get${what}Action`,
      summary: 'Reads an action',
      tags,
      parameters: [inQuery('code', 'whether the code is wanted', { ...boolean, default: true })],
      responses: answers({ 200: document }, ...guarded, 409),
    },
    put: {
      operationId: `put${what}Action`,
      summary: 'Creates or updates an action',
      tags,
      parameters: [overwrite],
      requestBody: { required: true, content: json(ref('ActionPut')) },
      responses: answers({ 200: document }, ...guarded, ...withBody, 409),
    },
    delete: {
      operationId: `delete${what}Action`,
      summary: 'Deletes an action',
      tags,
      responses: answers({ 200: document }, ...guarded, 409),
    },
    post: invocation(what, profile),
  };
}

function invocation(what: string, { blockingWaitMs, waitOverStatus }: LimitProfile): Operation {
  const id = closed({ activationId });
  const told = { anyOf: [ref('Activation'), ref('Result')] };
  const failed = { anyOf: [ref('Activation'), ref('Result'), ref('Error')] };
  return {
    operationId: `invoke${what}Action`,
    summary: 'Invokes an action',
    tags,
    parameters: [
      inQuery('blocking', 'whether to wait for the end', { ...boolean, default: false }),
      inQuery('result', 'whether the result alone is wanted; a list is always answered bare', { ...boolean, default: false }),
      inQuery('timeout', 'longest wait, ms', { type: 'integer', minimum: 1, maximum: blockingWaitMs, default: blockingWaitMs }),
    ],
    requestBody: { required: false, content: json({ type: 'object' }) },
    responses: answers(
      {
        200: answer('it succeeded: its record, or its result', told, activationHeader),
        202: answer('it was accepted and has not ended', id, activationHeader),
        500: answer('the platform failed it: its record or result, or why', failed),
        502: answer('the action failed: its record or result', failed),
        ...(waitOverStatus === 504
          ? { 504: answer('the wait is over and it has not ended', closed({ activationId, error: string, code: string })) }
          : {}),
      },
      ...guarded,
      ...withBody,
      409,
      429,
    ),
  };
}

function schemas({ kinds: runtimes, profile }: Offer): Readonly<Record<string, Schema>> {
  const kinds = [...runtimes, 'sequence', 'blackbox'];
  const families = [...new Set(kinds.flatMap((kind) => (kind.includes(':') ? [`${kind.split(':')[0]}:default`] : [])))];
  const bound = ({ min, std, max }: LimitProfile['timeout'], description: string): Schema => ({
    type: 'integer',
    minimum: min,
    maximum: max,
    default: std,
    description,
  });
  const limits = { timeout: count, memory: count, logs: count, concurrency: count, 'instances?': count };
  return {
    ActionLimits: closed(limits, 'Time in ms, memory and logs in MB, calls at once inside one sandbox, sandboxes at once.'),
    ActionLimitsPut: open({
      'timeout?': bound(profile.timeout, 'ms'),
      'memory?': bound(profile.memory, 'MB'),
      'logs?': bound(profile.logs, 'MB'),
      'concurrency?': bound(profile.concurrency, 'calls at once inside one sandbox'),
      'instances?': { ...count, description: 'sandboxes at once' },
    }),
    Exec: closed(
      {
        kind: { type: 'string', enum: kinds },
        'code?': string,
        'image?': string,
        'binary?': boolean,
        'main?': string,
        'components?': listOf({ type: 'string', pattern: '^/' }),
      },
      'What runs: code of a kind, an image, or a sequence of actions.',
    ),
    ExecPut: open({
      kind: { type: 'string', enum: [...kinds, ...families] },
      'code?': string,
      'image?': string,
      'main?': { type: 'string', maxLength: 1024 },
      'components?': { ...listOf(string), maxItems: profile.sequenceLength },
    }),
    Action: closed({
      ...entity,
      exec: ref('Exec'),
      parameters: listOf(ref('Parameter')),
      limits: ref('ActionLimits'),
      'binding?': { ...place, description: 'the binding it was found through, where its code is not asked for' },
    }),
    ActionSummary: closed({ ...entity, limits: ref('ActionLimits'), exec: closed({ binary: boolean }) }),
    ActionPut: open({
      ...entityPut,
      'exec?': ref('ExecPut'),
      'parameters?': listOf(ref('ParameterPut')),
      'limits?': ref('ActionLimitsPut'),
      'delAnnotations?': listOf(string),
    }),
    PackagedAction: closed({ name, version: entity.version, annotations: entity.annotations }, 'An action as its package lists it.'),
    Result: { description: 'What an action returned.', anyOf: [{ type: 'object' }, { type: 'array' }] },
  };
}
