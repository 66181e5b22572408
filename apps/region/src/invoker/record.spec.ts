import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, recordJson, type Outcome } from '#libs/domain';
import { anOrder } from './order.fixture.js';
import { buildRecord, joinLogs, noLogs, type Ended } from './record.js';

const answered = (body: string): Outcome => ({ kind: 'answered', phase: 'run', ok: true, body, bytes: body.length });

type Given = Omit<Partial<Ended>, 'runMs'> & { readonly runMs?: number | 'never ran' };

function ended({ runMs = 12.4, ...given }: Given = {}): Ended {
  return {
    order: anOrder(),
    region: 'eu-west-1',
    attempt: 1,
    outcome: answered('{"ok":1}'),
    start: 'warm',
    startMs: 1005,
    endMs: 1020,
    ...(runMs === 'never ran' ? {} : { runMs }),
    logs: noLogs,
    resultBytes: 1024,
    ...given,
  };
}

function annotationsOf(given: Given = {}): Record<string, unknown> {
  return Object.fromEntries(buildRecord(ended(given)).annotations.map(({ key, value }) => [key, JSON.parse(value) as unknown]));
}

test('a warm success is recorded as OpenWhisk does', () => {
  assert.deepEqual(JSON.parse(recordJson(buildRecord(ended()))), {
    namespace: 'guest',
    name: 'hello',
    version: '0.0.1',
    subject: 'guest',
    activationId: '01'.padEnd(32, '0'),
    start: 1005,
    end: 1020,
    duration: 12,
    response: { result: { ok: 1 }, size: 8, status: 'success', success: true },
    logs: [],
    annotations: [
      { key: 'path', value: 'guest/p/hello' },
      { key: 'kind', value: 'nodejs:20' },
      { key: 'limits', value: { timeout: 60000, memory: 256, logs: 10, concurrency: 1 } },
      { key: 'timeout', value: false },
      { key: 'waitTime', value: 5 },
      { key: 'region', value: 'eu-west-1' },
    ],
    publish: false,
  });
});

test('initTime is told, and counts, only where an init happened', () => {
  assert.equal(annotationsOf({ initMs: 40.2 })['initTime'], 40);
  assert.equal(buildRecord(ended({ initMs: 40.2 })).duration, 52);
  assert.equal('initTime' in annotationsOf(), false);
});

test('binding and cause are told', () => {
  const order = anOrder({ binding: 'guest/bound', cause: 'ff'.repeat(16) });
  const { binding, causedBy } = annotationsOf({ order });
  assert.deepEqual({ binding, causedBy }, { binding: 'guest/bound', causedBy: 'sequence' });
  assert.equal(buildRecord(ended({ order })).cause, 'ff'.repeat(16));
});

test('what was refused has kind unknown, no limits, and is an application error', () => {
  const given = { outcome: { kind: 'refused', text: 'too large' }, start: 'none', runMs: 'never ran' } as const;
  assert.deepEqual(buildRecord(ended(given)).response, { statusCode: 1, result: asJsonText('{"error":"too large"}') });
  const { kind, limits } = annotationsOf(given);
  assert.deepEqual({ kind, limits }, { kind: 'unknown', limits: undefined });
});

test('a sandbox that was lost under a run does not make its action unknown', () => {
  assert.equal(annotationsOf({ outcome: { kind: 'internal', text: 'lost' } })['kind'], 'nodejs:20');
});

test('a time-out lasts at least as long as its limit', () => {
  const outcome: Outcome = { kind: 'timed-out', phase: 'run', timeoutMs: 100 };
  assert.equal(buildRecord(ended({ outcome, runMs: 99.2 })).duration, 100);
  assert.equal(annotationsOf({ outcome })['timeout'], true);
});

test('the platform speaks behind the logs, with its time in thirty columns', () => {
  const logs = { lines: ['a line'], truncated: true };
  assert.deepEqual(buildRecord(ended({ outcome: { kind: 'exited', phase: 'run' }, logs })).logs, [
    'a line',
    '1970-01-01T00:00:01.020Z       stderr: Logs were truncated because the total bytes size exceeds the limit of 10485760 bytes.',
    '1970-01-01T00:00:01.020Z       stderr: The action did not initialize or run as expected. Log data might be missing.',
  ]);
});

test('an action that wants no logs has none, not even the platform’s', () => {
  const order = anOrder({}, { logs: 0 });
  assert.deepEqual(buildRecord(ended({ order, outcome: { kind: 'exited', phase: 'run' } })).logs, []);
});

test('joined logs keep their order and stay truncated', () => {
  assert.deepEqual(joinLogs({ lines: ['init'], truncated: true }, undefined, { lines: ['run'], truncated: false }), {
    lines: ['init', 'run'],
    truncated: true,
  });
});

test('a clock that ran backwards makes no negative times', () => {
  const record = buildRecord(ended({ startMs: 900, endMs: 890 }));
  assert.deepEqual([record.trace.waitMs, record.end], [0, 900]);
});
