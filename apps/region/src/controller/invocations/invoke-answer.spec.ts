import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, limitProfiles, type ActivationId, type ActivationRecord, type StatusCode, type Transid } from '#libs/domain';
import { Query } from '#libs/http';
import { invokeAnswer } from './invoke-answer.js';
import { readInvokeQuery } from './invoke-query.js';

const code = 'a transaction' as Transid;
const id = '0'.repeat(32) as ActivationId;
const record = (statusCode: StatusCode, result?: string): ActivationRecord =>
  ({
    activationId: id,
    name: 'a',
    annotations: [],
    logs: ['kept in the record alone'],
    trace: {},
    response: { statusCode, result: result === undefined ? undefined : asJsonText(result) },
  }) as unknown as ActivationRecord;
const { openwhisk, seed } = limitProfiles;

test('status codes tell whose fault a blocking call met', () => {
  const status = (wanted: StatusCode) =>
    invokeAnswer({ activationId: id, record: record(wanted, '{}') }, { waitMs: 1, resultOnly: false }, openwhisk, code).status;
  assert.deepEqual(([0, 1, 2, 3] as const).map(status), [200, 502, 502, 500]);
});

test('a record is answered without logs, a result alone where that is wanted, a list bare in any case', () => {
  const body = (result: string | undefined, resultOnly: boolean) =>
    String(invokeAnswer({ activationId: id, record: record(0, result) }, { waitMs: 1, resultOnly }, openwhisk, code).body);
  assert.match(body('{"a":1.0}', false), /"logs":\[\]/);
  assert.equal(body('{"a":1.0}', true), '{"a":1.0}');
  assert.equal(body('[1]', false), '[1]');
  assert.equal(body(undefined, true), '{}');
});

test('a flow tells what it caused', () => {
  const flow = { ...record(0, '{}'), trace: { ran: { components: 1, conductors: 0 } } } as unknown as ActivationRecord;
  assert.match(
    String(invokeAnswer({ activationId: id, record: flow }, { waitMs: 1, resultOnly: false }, openwhisk, code).body),
    /"logs":\["kept/,
  );
});

test('who does not wait, or waited long enough, gets the id', () => {
  const answer = (waitMs: number | undefined, profile = openwhisk) =>
    invokeAnswer({ activationId: id, record: undefined }, { waitMs, resultOnly: true }, profile, code);
  assert.deepEqual(answer(undefined), { ...answer(1), status: 202 });
  assert.equal(answer(1).status, 202);
  assert.equal(answer(1, seed).status, 504);
  assert.equal(answer(1).body, `{"activationId":"${id}"}`);
  assert.deepEqual(JSON.parse(String(answer(1, seed).body)), {
    activationId: id,
    error: `The wait is over and the activation has not ended; its record will tell (${id}).`,
    code,
  });
  assert.equal(answer(1).headers['x-openwhisk-activation-id'], id);
});

test('the wait is a number of milliseconds under, at and not over a minute', () => {
  const read = (text: string) => readInvokeQuery(new Query(text), openwhisk);
  assert.deepEqual(read('blocking=true'), { waitMs: 60_000, resultOnly: false });
  assert.deepEqual(read('result=1'), { waitMs: undefined, resultOnly: true });
  assert.equal(read('blocking=1&timeout=1').waitMs, 1);
  assert.equal(read('blocking=1&timeout=60000').waitMs, 60_000);
  for (const timeout of ['0', '60001', 'abc', '']) {
    assert.throws(() => read(`timeout=${timeout}`), {
      message: "The query parameter 'timeout' was malformed:\nTimeout must be number of milliseconds up to 60000.",
    });
  }
});
