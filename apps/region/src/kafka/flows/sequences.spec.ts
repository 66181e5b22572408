import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '#libs/domain';
import type { Components } from './components.js';
import type { FlowOf } from './flow-record.js';
import { aFlow, ScriptedComponents, settings, type Answering } from './flow.fixture.js';
import { Sequences } from './sequences.js';

const echo: Answering = (payload) => [0, payload];
const inc: Answering = (payload) => [0, JSON.stringify({ n: (JSON.parse(payload) as { n: number }).n + 1 })];

async function run(
  names: readonly string[],
  actions: Readonly<Record<string, Answering>>,
  args = '{"n":1}',
  flow: Partial<FlowOf<'sequence'>> = {},
) {
  const execs: Record<string, Action['exec']> = { inner: { type: 'sequence', kind: 'sequence', components: ['/guest/inc'] } };
  const components = new ScriptedComponents(actions, execs);
  const order = aFlow({ kind: 'sequence', components: names.map((name) => (name.startsWith('/') ? name : `/guest/${name}`)), ...flow });
  const end = await new Sequences(components as unknown as Components, settings).run(order, order.flow, Buffer.from(args));
  return { ...end, result: end.response.result, asked: components.asked, flows: components.flows };
}

test('each component gets the result of the one before; the last response is the sequence’s, to its size', async () => {
  const { asked, response, tally } = await run(['inc', 'inc', 'echo'], { inc, echo });
  assert.deepEqual(asked, ['inc {"n":1}', 'inc {"n":2}', 'echo {"n":3}']);
  assert.deepEqual(response, { statusCode: 0, result: '{"n":3}', size: 7 });
  assert.deepEqual([tally.ids.length, tally.durationMs, tally.memoryMiB, tally.ran.components], [3, 30, 256, 3]);
});

test('an error stops it, but not one in the payload it began with', async () => {
  assert.equal((await run(['fail', 'echo'], { fail: () => [1, '{"error":"x"}'], echo })).asked.length, 1);
  assert.equal((await run(['told', 'echo'], { told: () => [0, '{"error":"x"}'], echo })).asked.length, 1);
  assert.equal((await run(['inc'], { inc }, '{"n":1,"error":"x"}')).result, '{"n":2}');
});

test('a list is handed on as a list', async () => {
  assert.deepEqual((await run(['list', 'echo'], { list: () => [0, '[1]'], echo })).asked, ['list {"n":1}', 'echo [1]']);
});

test('what cannot run ends it, and what ran before is told', async () => {
  const missing = await run(['inc', 'none'], { inc });
  assert.deepEqual([missing.response.statusCode, missing.tally.ids.length], [1, 1]);
  assert.equal(missing.result, '{"error":"Sequence component does not exist."}');
  const failed = await run(['inc', 'lost', 'inc'], { inc, lost: () => 'failed' });
  assert.deepEqual([failed.response.statusCode, failed.result, failed.tally.ids.length], [3, '{"error":"Sequence failed."}', 1]);
  const unknown = await run(['lost', 'inc'], { inc, lost: () => 'unknown' });
  assert.match(String(unknown.result), /^{"error":"Timeout reached when retrieving activation 0+1 for sequence component."}$/);
  assert.equal(unknown.tally.ids.length, 1);
  assert.equal((await run(['/else/x'], {})).result, '{"error":"Sequence component does not exist."}');
});

test('components of a sequence inside count here, so that all in all fifty run', async () => {
  const actions = { inner: echo, inc };
  const { flows, tally } = await run(['inc', 'inner', 'inc'], actions);
  assert.deepEqual(flows[1], { kind: 'sequence', components: ['/guest/inc'], ran: { components: 1, conductors: 0 }, depth: 1 });
  assert.equal(tally.ran.components, 4);
  const full = await run(['inc', 'inc'], actions, '{"n":1}', { ran: { components: 49, conductors: 0 } });
  assert.deepEqual([full.asked.length, full.result], [1, '{"error":"Too many actions in the sequence."}']);
  assert.equal((await run(['inc'], actions, '{}', { depth: 50 })).asked.length, 0, 'a circle that two regions closed ends');
});
