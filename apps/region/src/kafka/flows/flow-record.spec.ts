import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, toJsonText, type ActivationId, type Annotation } from '#libs/domain';
import { aFlow, aRecord } from './flow.fixture.js';
import { counted, flowRecord, noTally } from './flow-record.js';

const run = { startMs: 1500, endMs: 1900, region: 'eu-west-1', attempt: 1 };
const ids = ['a', 'b'].map((letter) => letter.repeat(32) as ActivationId);
const response = { statusCode: 0, result: asJsonText('{}') } as const;
const read = (annotations: readonly Annotation[]) =>
  Object.fromEntries(annotations.map(({ key, value }) => [key, JSON.parse(value) as unknown]));

test('the record of a flow sums up what it caused', () => {
  const order = aFlow({ kind: 'sequence' });
  const large = { ...aRecord(ids[1] as ActivationId, [0, '{}']), annotations: [{ key: 'limits', value: toJsonText({ memory: 512 }) }] };
  const first = counted(noTally(order.flow.ran), aRecord(ids[0] as ActivationId, [0, '{}']), { components: 1, conductors: 0 });
  const tally = counted(first, large, { components: 2, conductors: 0 });
  const record = flowRecord(order, { response, tally }, run);
  assert.deepEqual([record.logs, record.duration, record.start, record.end], [ids, 20, 1500, 1900]);
  assert.deepEqual(read(record.annotations), {
    topmost: true,
    path: 'guest/p/hello',
    kind: 'sequence',
    waitTime: 500,
    limits: { ...order.action.limits, memory: 512 },
    region: 'eu-west-1',
  });
  assert.ok(!('cause' in record));
});

test('a flow inside another tells its cause; one that ran nothing has no limits to tell', () => {
  const order = aFlow({ kind: 'sequence' }, 'c'.repeat(32));
  const record = flowRecord(order, { response, tally: noTally(order.flow.ran) }, run);
  const { topmost, causedBy, limits } = read(record.annotations);
  assert.deepEqual([record.cause, topmost, causedBy, limits], ['c'.repeat(32), false, 'sequence', undefined]);
});
