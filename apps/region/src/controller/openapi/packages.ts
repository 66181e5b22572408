import type { LimitProfile } from '#libs/domain';
import { inPath, inQuery, namespace, overwrite, paging } from './parameters.js';
import { answer, answers, guarded, withBody } from './responses.js';
import { boolean, closed, count, entity, entityPut, json, listOf, name, open, ref } from './schema.js';
import type { Part, Schema } from './types.js';

const base = '/api/v1/namespaces/{namespace}/packages';
const tags = ['Packages'];

/** Packages and bindings. */
export function packagesPart(profile: LimitProfile): Part {
  const summaries = { anyOf: [listOf(ref('PackageSummary')), closed({ packages: count })] };
  const document = answer('the package', ref('Package'));
  return {
    tag: { name: 'Packages', description: 'Actions that belong together and share parameters, and bindings to the packages of others.' },
    paths: {
      [base]: {
        parameters: [namespace],
        get: {
          operationId: 'listPackages',
          summary: 'Lists packages; of the namespaces of others those that are published',
          tags,
          parameters: [...paging(profile, 'packages'), inQuery('public', 'some clients send it; it counts for nothing', {})],
          responses: answers({ 200: answer('the packages, or how many', summaries) }, ...guarded),
        },
      },
      [`${base}/{packageName}`]: {
        parameters: [namespace, inPath('packageName', 'the package')],
        get: {
          operationId: 'getPackage',
          summary: 'Reads a package with what it contains',
          tags,
          responses: answers({ 200: answer('the package', ref('PackageContents')) }, ...guarded, 409, 422),
        },
        put: {
          operationId: 'putPackage',
          summary: 'Creates or updates a package or a binding',
          tags,
          parameters: [overwrite],
          requestBody: { required: true, content: json(ref('PackagePut')) },
          responses: answers({ 200: document }, ...guarded, ...withBody, 409),
        },
        delete: {
          operationId: 'deletePackage',
          summary: 'Deletes a package',
          tags,
          parameters: [inQuery('force', 'whether what it contains is deleted too', { ...boolean, default: false })],
          responses: answers({ 200: document }, ...guarded, 409),
        },
      },
    },
    schemas,
  };
}

const binding = closed({ namespace: name, name });
const pkg = { ...entity, parameters: listOf(ref('Parameter')), binding: { anyOf: [binding, closed({})] } };

const schemas: Readonly<Record<string, Schema>> = {
  Package: closed(pkg),
  PackageContents: closed({ ...pkg, actions: listOf(ref('PackagedAction')), feeds: listOf(ref('PackagedAction')) }),
  PackageSummary: closed({ ...entity, binding: { anyOf: [binding, { const: false }] } }),
  PackagePut: open({
    ...entityPut,
    'parameters?': listOf(ref('ParameterPut')),
    'binding?': { anyOf: [open({ namespace: name, name }), closed({})] },
  }),
};
