import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action, Flow } from '#libs/domain';
import type { Components } from './components.js';
import { Compositions } from './compositions.js';
import { aFlow, ScriptedComponents, settings, type Answering } from './flow.fixture.js';
import type { FlowOf } from './flow-record.js';

/** A conductor that calls what its `plan` says, one after another, and keeps its place in the state. */
const planned: Answering = (payload) => {
  const { step = 0, plan = [], ...params } = JSON.parse(payload) as { step?: number; plan?: unknown[]; error?: string };
  return [0, JSON.stringify(step < plan.length ? { action: plan[step], params, state: { step: step + 1, plan } } : { params })];
};
const inc: Answering = (payload) => [0, JSON.stringify({ n: ((JSON.parse(payload) as { n?: number }).n ?? 0) + 1 })];

async function run(plan: readonly unknown[], actions: Readonly<Record<string, Answering>> = {}, flow: Partial<FlowOf<'composition'>> = {}) {
  const execs: Record<string, Action['exec']> = { seq: { type: 'sequence', kind: 'sequence', components: ['/guest/inc'] } };
  const components = new ScriptedComponents({ hello: planned, inc, ...actions }, execs);
  const order = aFlow({ kind: 'composition', ...flow });
  const args = Buffer.from(JSON.stringify({ n: 1, plan }));
  const end = await new Compositions(components as unknown as Components, settings).run(order, order.flow, args);
  return { ...end, result: end.response.result, asked: components.asked, flows: components.flows };
}

test('a conductor and what it calls take turns, and every one of them is told in order', async () => {
  const { asked, result, response, tally } = await run(['inc', '/_/inc']);
  assert.deepEqual(asked, [
    'hello {"n":1,"plan":["inc","/_/inc"]}',
    'inc {"n":1}',
    'hello {"n":2,"step":1,"plan":["inc","/_/inc"]}',
    'inc {"n":2}',
    'hello {"n":3,"step":2,"plan":["inc","/_/inc"]}',
  ]);
  assert.deepEqual([result, response.size], ['{"n":3}', undefined]);
  assert.deepEqual([tally.ids.length, tally.durationMs, tally.ran], [5, 50, { components: 2, conductors: 3 }]);
});

test('what is wrong with a call is told to the conductor', async () => {
  const told = async (action: unknown) => (await run([action])).result;
  assert.equal(await told({ a: 1 }), '{"error":"Failed to parse action name from json value {\\"a\\":1} during composition."}');
  assert.equal(await told('/x'), '{"error":"Failed to parse action name from json value \\"/x\\" during composition."}');
  assert.equal(await told('none'), `{"error":"Failed to resolve action with name 'guest/none' during composition."}`);
  assert.equal(await told('/bob/x'), `{"error":"Failed entitlement check for action with name 'bob/x' during composition."}`);
  assert.equal((await run(['fail'], { fail: () => [1, '{"error":"here"}'] })).result, '{"error":"here"}');
});

test('the conductor’s own error ends it', async () => {
  const { response, tally } = await run([], { hello: () => [1, '{"error":"mine"}'] });
  assert.deepEqual([response, tally.ids.length], [{ statusCode: 1, result: '{"error":"mine"}' }, 1]);
});

test('an activation that cannot be had ends it as an internal error', async () => {
  const failed = await run(['away'], { away: () => 'failed' });
  assert.deepEqual([failed.response.statusCode, failed.result], [3, '{"error":"Activation failure during composition."}']);
  const unknown = await run(['away'], { away: () => 'unknown' });
  assert.match(String(unknown.result), /Timeout reached when retrieving activation 0+2 during composition/);
  assert.equal(unknown.tally.ids.length, 2);
});

test('fifty components and a hundred and one calls of conductors are the most', async () => {
  const fifty = Array.from({ length: 50 }, () => 'inc');
  assert.equal((await run(fifty)).result, '{"n":51}');
  assert.equal((await run([...fifty, 'inc'])).result, '{"error":"Too many actions in the composition."}');
  const endless = await run([], { hello: () => [0, '{"action":"none"}'] });
  assert.deepEqual([endless.response.statusCode, endless.asked.length], [1, 101]);
});

test('a sequence counts as one component, a composition inside shares the count', async () => {
  const ran = { components: 7, conductors: 3 };
  const { flows, tally } = await run(['seq', 'seq'], { seq: inc }, { ran });
  assert.deepEqual(flows[1], {
    kind: 'sequence',
    components: ['/guest/inc'],
    ran: { components: 0, conductors: 0 },
    depth: 1,
  } satisfies Flow);
  assert.deepEqual(tally.ran, { components: 9, conductors: 6 });
});
