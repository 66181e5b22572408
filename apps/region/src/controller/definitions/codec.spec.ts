import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, kinds, type EntityRow } from '#libs/domain';
import { decodeParameters, decodeRow, encodeDraft, encodeParameters, parametersJson, type Draft } from './codec.js';

const row = (draft: Draft): EntityRow =>
  ({ space: 0, ns: 'n', path: 'p', entityId: 'e', hlc: '1', updated: 5, kind: kinds[draft.type], doc: encodeDraft(draft) }) as EntityRow;

test('a definition is read as it was written, every number with its spelling', () => {
  const draft: Draft = {
    type: 'action',
    version: '0.0.1',
    publish: false,
    annotations: [{ key: 'n', value: asJsonText('1.0') }],
    exec: { type: 'code', kind: 'nodejs:20', binary: false, blob: 'b', codeBytes: 3, keyVersion: 1 },
    limits: { timeout: 1, memory: 2, logs: 3, concurrency: 4 },
  };
  const parameters = [{ key: 'a', value: asJsonText('12345678901234567890'), init: true as const }];
  const entity = decodeRow(row(draft), decodeParameters(encodeParameters(parameters)));
  assert.deepEqual(entity, { ...draft, parameters, entityId: 'e', hlc: '1', ns: 'n', path: 'p', updated: 5 });
});

test('a binding keeps what it is bound to, a rule has no parameters', () => {
  const binding = { namespace: 'g', name: 'p' };
  const pkg = decodeRow(row({ type: 'package', version: '1.0.0', publish: true, annotations: [], binding }));
  assert.deepEqual(pkg.type === 'package' && pkg.binding, binding);
  const reference = { path: 'g', name: 'x' };
  const rule = decodeRow(
    row({ type: 'rule', version: '1.0.0', publish: false, annotations: [], trigger: reference, action: reference, status: 'active' }),
  );
  assert.ok(!('parameters' in rule));
});

test('parameters are shown with init only where it is true', () => {
  const parameters = [
    { key: 'a"', value: asJsonText('1.0') },
    { key: 'b', value: asJsonText('null'), init: true as const },
  ];
  assert.equal(parametersJson(parameters), '[{"key":"a\\"","value":1.0},{"key":"b","value":null,"init":true}]');
});
