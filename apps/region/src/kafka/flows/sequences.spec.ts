import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tokens } from '#libs/auth';
import type { Action } from '#libs/domain';
import { Logger } from '#libs/telemetry';
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
  const tokens = new Tokens(undefined, 'the-token-of-this-machine');
  const sequences = new Sequences(components as unknown as Components, tokens, settings, new Logger({}, 'error'));
  const end = await sequences.run(order, order.flow, Buffer.from(args));
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

test('a validator of Adobe’s lets pass what bears a good token and nothing else, wherever it stands', async () => {
  const validator = '/adobeio/shared-validators-v1/headless-v2';
  const bearing = (headers: object) => JSON.stringify({ n: 1, __ow_headers: headers });
  const good = bearing({ authorization: 'Bearer the-token-of-this-machine' });
  assert.deepEqual(JSON.parse((await run([validator, 'inc'], { inc }, good)).result ?? ''), { n: 2 });
  assert.equal((await run([validator], {}, good)).result, good);
  const bad = [bearing({}), bearing({ authorization: 'Bearer another-token' }), bearing(['x']), '{"n":1}', '[1]', '{"__ow_headers":null}'];
  for (const args of bad) {
    const { response, asked, result } = await run([validator, 'inc'], { inc }, args);
    assert.equal(response.statusCode, 1, args);
    assert.match(result ?? '', /"statusCode":401/);
    assert.deepEqual(asked, []);
  }
  assert.deepEqual((await run(['inc', '/adobeio/shared-validators-v1/app-registry', 'inc'], { inc })).asked.length, 1);
});
