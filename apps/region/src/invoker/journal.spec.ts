import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unconfirmedOf } from './journal.js';
import { anOrder } from './order.fixture.js';
import { buildRecord, noLogs } from './record.js';

function line(id: string): string {
  const record = buildRecord({
    order: anOrder({ id }),
    region: 'r',
    attempt: 1,
    outcome: { kind: 'lost' },
    start: 'none',
    startMs: 1,
    endMs: 1,
    logs: noLogs,
    resultBytes: 1,
  });
  return JSON.stringify({ record, attempt: 1 });
}

const done = (id: string): string => JSON.stringify({ done: id.padEnd(32, '0') });
const idsOf = (...lines: readonly string[]): string[] =>
  unconfirmedOf(lines.join('\n')).map(({ record }) => record.activationId.slice(0, 2));

test('a journal holds what was finished and not confirmed, in order', () => {
  assert.deepEqual(idsOf(line('0a'), line('0b'), done('0a'), line('0c'), ''), ['0b', '0c']);
});

test('a line that a crash cut short is no record, wherever it stands', () => {
  assert.deepEqual(idsOf(line('0a'), line('0b').slice(0, 40), line('0c'), line('0d').slice(0, -1)), ['0a', '0c']);
});

test('an empty journal holds nothing', () => {
  assert.deepEqual(idsOf(''), []);
});
