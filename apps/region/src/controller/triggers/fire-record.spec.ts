import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, Failure, recordJson, type ActivationId, type NamespaceId, type Transid, type Trigger } from '#libs/domain';
import { firePayload, fireRecord, inactiveLog, invokedLog, rejectedLog } from './fire-record.js';

const trigger = {
  path: 't',
  version: '0.0.3',
  parameters: [
    { key: 'a', value: asJsonText('1.0'), init: true },
    { key: 'b', value: asJsonText('2') },
  ],
} as unknown as Trigger;
const names = { rule: 'ann/r', action: 'ann/p/a' };
const parsed = (text: string): unknown => JSON.parse(text);

test('a payload lies over the headers of the request, and those over the parameters of the trigger', () => {
  const { keys, body } = firePayload(
    trigger,
    { 'x-a': 'b', 'content-type': 'application/json', 'set-cookie': ['c', 'd'] },
    { keys: new Set(['b']), body: Buffer.from('{"b":3}') },
  );
  assert.equal(Buffer.from(body).toString(), '{"a":1.0,"__ow_headers":{"x-a":"b","set-cookie":"c, d"},"b":3}');
  assert.deepEqual([...keys], ['a', 'b', '__ow_headers']);
});

test('each rule has a line: invoked, rejected, failed, inactive', () => {
  const id = '0'.repeat(32) as ActivationId;
  assert.deepEqual(parsed(invokedLog(names, id)), { statusCode: 0, success: true, activationId: id, ...names });
  const rejected = parsed(rejectedLog(names, new Failure('not-found')));
  assert.deepEqual(rejected, { statusCode: 1, success: false, error: 'The requested resource does not exist.', ...names });
  const failed = parsed(rejectedLog(names, new Failure('internal')));
  assert.deepEqual(failed, { statusCode: 3, success: false, error: 'There was an internal server error.', ...names });
  const error = "Rule 'ann/r' is inactive, action 'ann/p/a' was not activated.";
  assert.deepEqual(parsed(inactiveLog(names)), { statusCode: 1, success: false, error, ...names });
});

test('the record of a trigger has no end, no duration and no annotations', () => {
  const fired = {
    id: '0'.repeat(32) as ActivationId,
    identity: { subject: 'ann', namespace: 'ann', ns: 'a-id' as NamespaceId, limits: {} },
    transid: 'x' as Transid,
    region: 'eu-west-1',
    firedAtMs: 5,
    result: asJsonText('{"b":3}'),
    logs: ['line'],
  };
  const body = parsed(recordJson(fireRecord(trigger, fired))) as Record<string, unknown>;
  assert.ok(!('end' in body) && !('duration' in body));
  assert.deepEqual(
    [body['name'], body['version'], body['annotations'], body['logs'], body['response']],
    ['t', '0.0.3', [], ['line'], { result: { b: 3 }, status: 'success', success: true }],
  );
});
