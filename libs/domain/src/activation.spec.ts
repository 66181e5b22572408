import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordJson, summaryJson, type ActivationRecord } from './activation.js';
import { activationId, readActivationId, type NamespaceId, type RegionCode } from './ids.js';
import { asJsonText } from './json.js';

const id = activationId(3 as RegionCode, 1_700_000_000_000, '0123456789abcdef01');

const record: ActivationRecord = {
  activationId: id,
  ns: '23bc46b1-71f6-4ed5-8c54-816aa4f8c502' as NamespaceId,
  namespace: 'guest',
  name: 'a',
  filterName: 'p/a',
  version: '0.0.1',
  subject: 'guest',
  start: 1,
  end: 3,
  duration: 2,
  response: { statusCode: 0, result: asJsonText('{"n":1.0}'), size: 9 },
  logs: ['line'],
  annotations: [{ key: 'path', value: asJsonText('"guest/p/a"') }],
  trace: { transid: 't', region: 'r', start: 'warm', waitMs: 0, attempt: 1 },
};

test('an id tells its region and the moment of acceptance', () => {
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.deepEqual(readActivationId(id), { region: 3, acceptedAtMs: 1_700_000_000_000 });
});

test("a record shows the contract's fields, no more, and keeps the spelling of numbers", () => {
  const text = recordJson(record);
  assert.match(text, /"result":\{"n":1\.0\}/);
  assert.deepEqual(Object.keys(JSON.parse(text) as object).sort(), [
    'activationId',
    'annotations',
    'duration',
    'end',
    'logs',
    'name',
    'namespace',
    'publish',
    'response',
    'start',
    'subject',
    'version',
  ]);
});

test('a blocking answer carries no logs', () => {
  assert.deepEqual((JSON.parse(recordJson(record, [])) as { logs: string[] }).logs, []);
});

test('a summary has a status code and neither logs nor response', () => {
  const summary = JSON.parse(summaryJson({ ...record, statusCode: 1 })) as Record<string, unknown>;
  assert.equal(summary['statusCode'], 1);
  assert.ok(!('logs' in summary) && !('response' in summary));
});
