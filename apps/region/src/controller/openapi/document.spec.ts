import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles, nodeKinds } from '#libs/domain';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openApiDocument } from './document.js';

const documents = Object.values(limitProfiles).map((profile) =>
  openApiDocument({ kinds: nodeKinds, profile, version: '1', operatorRoutes: true }),
);

test('every reference leads somewhere', () => {
  for (const document of documents) {
    const text = JSON.stringify(document);
    for (const [, section = '', name = ''] of text.matchAll(/"#\/components\/(\w+)\/(\w+)"/g)) {
      assert.ok(name in (document.components[section as 'schemas'] ?? {}), `${section}/${name}`);
    }
  }
});

test('every schema is one', () => {
  for (const document of documents) {
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(document, 'document');
    for (const name of Object.keys(document.components.schemas)) {
      assert.ok(ajv.compile({ $ref: `document#/components/schemas/${name}` }), name);
    }
  }
});

test('operations have names of their own, and paths name their parameters', () => {
  for (const { paths } of documents) {
    const ids = Object.values(paths).flatMap((item) =>
      Object.values(item).flatMap((value) => (typeof value === 'object' && 'operationId' in value ? [value.operationId] : [])),
    );
    assert.deepEqual([...new Set(ids)], ids);
    for (const [path, { parameters = [] }] of Object.entries(paths)) {
      const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      assert.deepEqual(
        named,
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
        path,
      );
    }
  }
});

test('limits and kinds are those of the profile, and operators are told of where they are served', () => {
  const [seed] = documents;
  assert.equal(seed?.components.schemas['ActionLimitsPut']?.properties?.['timeout']?.maximum, limitProfiles.seed.timeout.max);
  assert.ok(seed.components.schemas['Exec']?.properties?.['kind']?.enum?.includes(limitProfiles.seed.defaultNodeKind));
  assert.ok('/invokers' in seed.paths);
  assert.ok(
    !('/invokers' in openApiDocument({ kinds: nodeKinds, profile: limitProfiles.seed, version: '1', operatorRoutes: false }).paths),
  );
});
