/** What consists of other activations, with a whole region behind it: what no recorded answer of OpenWhisk covers. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask as send, type Ask, type Reply } from '../support/client.js';
import { ControllerRig, wellKnown } from '../support/controller-rig.js';

interface Told {
  readonly activationId: string;
  readonly name: string;
  readonly cause?: string;
  readonly duration?: number;
  readonly logs: readonly string[];
  readonly response: { readonly status: string; readonly result: unknown };
  readonly annotations: readonly { readonly key: string; readonly value: unknown }[];
}

const path = (kind: string, name: string): string => `/api/v1/namespaces/_/${kind}/${name}`;
const increment = 'function main({ n = 0 }) { return { n: n + 1 }; }';
/** Tells how often this very sandbox has run it: nothing else does while the test has one call at a time. */
const counting = 'let runs = 0; function main({ ms = 1000 }) { runs += 1; return new Promise((d) => setTimeout(() => d({ runs }), ms)); }';

describe('flows', { timeout: 300_000 }, () => {
  let rig: ControllerRig;
  before(async () => {
    rig = await ControllerRig.start('seed');
    await deploy('inc', increment);
  });
  after(() => rig?.stop());

  const ask = (method: string, at: string, more: Ask = {}): Promise<Reply> => send(rig.base, method, at, { key: wellKnown.guest, ...more });
  const put = async (kind: string, name: string, body: object, more: Ask = {}): Promise<Reply> => {
    const reply = await ask('PUT', `${path(kind, name)}?overwrite=true`, { body, ...more });
    assert.equal(reply.status, 200, reply.text);
    return reply;
  };
  const deploy = (name: string, code: string, more: object = {}): Promise<Reply> =>
    put('actions', name, { exec: { kind: 'nodejs:20', code }, ...more });
  const chain = (name: string, ...components: string[]): Promise<Reply> =>
    put('actions', name, { exec: { kind: 'sequence', components: components.map((component) => `/_/${component}`) } });
  const invoke = (name: string, body: object = {}, query = 'blocking=true'): Promise<Reply> =>
    ask('POST', `${path('actions', name)}?${query}`, { body });
  const records = async (name: string): Promise<Told[]> =>
    (await ask('GET', `${path('activations', '')}?name=${name}&docs=true`)).json<Told[]>();
  const record = async (id: string, tries = 100): Promise<Told> => {
    for (let left = tries; left > 0; left -= 1) {
      const reply = await ask('GET', path('activations', id));
      if (reply.status === 200) return reply.json<Told>();
      await delay(100);
    }
    throw new Error(`no record of ${id}`);
  };
  const value = ({ annotations }: Told, key: string): unknown => annotations.find((entry) => entry.key === key)?.value;

  test('a sequence in a sequence has a record of its own, caused by the outer one', async () => {
    await chain('two', 'inc', 'inc');
    await chain('outer', 'two', 'inc');
    const told = (await invoke('outer', { n: 1 })).json<Told>();
    assert.deepEqual(told.response.result, { n: 4 });
    const inner = await record(told.logs[0] ?? '');
    assert.deepEqual([inner.name, inner.cause, inner.logs.length], ['two', told.activationId, 2]);
    assert.deepEqual([value(told, 'topmost'), value(inner, 'topmost'), value(inner, 'causedBy')], [true, false, 'sequence']);
    const last = await record(told.logs[1] ?? '');
    assert.equal(told.duration, (inner.duration ?? NaN) + (last.duration ?? NaN));
  });

  test('a list is handed on as a list, and what a component was given by its definition never reaches the next', async () => {
    await deploy('list', 'function main() { return [1, 2]; }');
    await deploy('size', 'function main(list) { return { length: list.length, own: list.own }; }', {
      parameters: [{ key: 'own', value: 1 }],
    });
    await chain('lists', 'list', 'size');
    assert.deepEqual((await invoke('lists', {}, 'blocking=true&result=true')).json(), { length: 2 });
    await deploy('keys', 'function main(a) { return { keys: Object.keys(a) }; }', { parameters: [{ key: 'own', value: 1 }] });
    await chain('seen', 'keys');
    assert.deepEqual((await invoke('seen', { n: 1 }, 'blocking=true&result=true')).json(), { keys: ['own', 'n'] });
  });

  test('a component that is gone ends the sequence as an application error', async () => {
    await deploy('gone', increment);
    await chain('broken', 'inc', 'gone');
    assert.equal((await ask('DELETE', path('actions', 'gone'))).status, 200);
    const reply = await invoke('broken');
    assert.equal(reply.status, 502);
    const told = reply.json<Told>();
    assert.deepEqual(told.response.result, { error: 'Sequence component does not exist.' });
    assert.equal(told.logs.length, 1);
  });

  test('a sequence may not name what its maker may not use, nor lead back to itself through another', async () => {
    const foreign = await ask('PUT', path('actions', 'theirs'), { body: { exec: { kind: 'sequence', components: ['/other/x'] } } });
    assert.deepEqual(
      [foreign.status, foreign.json()['error']],
      [403, "The supplied authentication is not authorized to access 'other/x'."],
    );
    await chain('ring', 'inc');
    await chain('round', 'ring');
    const reply = await ask('PUT', `${path('actions', 'ring')}?overwrite=true`, {
      body: { exec: { kind: 'sequence', components: ['/_/round'] } },
    });
    assert.deepEqual([reply.status, reply.json()['error']], [400, 'Sequence may not refer to itself.']);
  });

  test('a sequence runs as many as fifty components, and may not have more, with those of the sequences inside', async () => {
    await chain('many', ...Array.from({ length: 50 }, () => 'inc'));
    assert.deepEqual((await invoke('many', {}, 'blocking=true&result=true')).json(), { n: 50 });
    await assert.rejects(chain('more', 'many', 'inc'), /Too many actions in the sequence/);
  });

  test('code in the place of a sequence does not inherit its components, a sequence keeps nothing but them', async () => {
    const parametersOf = (reply: Reply): unknown => reply.json<{ parameters: unknown }>().parameters;
    const components = [{ key: '_actions', value: ['/guest/inc'] }];
    await chain('swap', 'inc');
    assert.deepEqual(parametersOf(await put('actions', 'swap', { parameters: [{ key: 'a', value: 1 }] })), components);
    assert.deepEqual(parametersOf(await deploy('swap', increment)), []);
    await deploy('swap', increment, { parameters: [{ key: 'a', value: 1 }] });
    assert.deepEqual(parametersOf(await chain('swap', 'inc')), components);
  });

  test('a conductor is called with its own parameters each time, through a binding and as a web action too', async () => {
    const code = `function main({ at = 0, given, n }) {
      return at < 2 ? { action: 'inc', params: { n }, state: { at: at + 1 } } : { params: { body: { n, at, given, env: process.env.SECRET } } };
    }`;
    await put('packages', 'flows', { publish: true });
    await deploy('flows/thrice', code, {
      parameters: [
        { key: 'given', value: 'by definition' },
        { key: 'SECRET', value: 's', init: true },
      ],
      annotations: [
        { key: 'conductor', value: true },
        { key: 'web-export', value: true },
      ],
    });
    await put('packages', 'bound', { binding: { namespace: 'guest', name: 'flows' } });
    const expected = { n: 3, at: 2, given: 'by definition', env: 's' };
    const told = (await invoke('bound/thrice', { n: 1 })).json<Told>();
    assert.deepEqual(told.response.result, { body: expected });
    assert.deepEqual([value(told, 'binding'), value(told, 'path'), told.logs.length], ['guest/bound', 'guest/flows/thrice', 5]);
    const viaWeb = await ask('GET', '/api/v1/web/guest/flows/thrice.http?n=1', { key: null });
    assert.deepEqual([viaWeb.status, viaWeb.json<{ at: number }>().at], [200, 2]);
  });

  test('a composition may not call what its caller may not', async () => {
    const code = 'function main(a) { return a.error ? { params: { told: a.error } } : { action: a.name }; }';
    await deploy('asks', code, { annotations: [{ key: 'conductor', value: true }] });
    const told = async (name: string): Promise<unknown> => (await invoke('asks', { name }, 'blocking=true&result=true')).json()['told'];
    assert.equal(await told('/other/x'), "Failed entitlement check for action with name 'other/x' during composition.");
    assert.equal(await told('p/none'), "Failed to resolve action with name 'guest/p/none' during composition.");
  });

  test('a fired trigger tells what became of each rule', async () => {
    await put('triggers', 'bell', {});
    await deploy('away', increment);
    for (const [rule, action] of [
      ['runs', 'outer'],
      ['misses', 'away'],
      ['sleeps', 'inc'],
    ] as const) {
      await put('rules', rule, { trigger: '/_/bell', action: `/_/${action}` });
    }
    await ask('POST', path('rules', 'sleeps'), { body: { status: 'inactive' } });
    await ask('DELETE', path('actions', 'away'));
    const reply = await ask('POST', path('triggers', 'bell'), { body: { n: 5 } });
    assert.equal(reply.status, 202);
    const told = await record(reply.json<{ activationId: string }>().activationId, 1);
    const lines = told.logs.map((line) => JSON.parse(line) as { rule: string; statusCode: number; error?: string; activationId?: string });
    const made = ['guest/runs', 'guest/misses', 'guest/sleeps'];
    assert.deepEqual(
      lines.map(({ rule }) => rule),
      made,
    );
    const of = (rule: string) => lines.find((line) => line.rule === `guest/${rule}`);
    assert.equal(of('misses')?.error, 'The requested resource does not exist.');
    assert.equal(of('sleeps')?.error, "Rule 'guest/sleeps' is inactive, action 'guest/inc' was not activated.");
    const ran = await record(of('runs')?.activationId ?? '');
    assert.deepEqual([ran.response.result, ran.cause], [{ n: 8 }, undefined]);
  });

  test('a trigger that is made again has no rules, until one is switched on', async () => {
    const rules = async (): Promise<unknown> => (await ask('GET', path('triggers', 'again'))).json<{ rules: unknown }>().rules;
    const status = async (): Promise<unknown> => (await ask('GET', path('rules', 'follows'))).json()['status'];
    await put('triggers', 'again', {});
    await put('rules', 'follows', { trigger: '/_/again', action: '/_/inc' });
    await ask('DELETE', path('triggers', 'again'));
    assert.equal(await status(), 'inactive');
    assert.equal((await ask('POST', path('rules', 'follows'), { body: { status: 'active' } })).status, 404);
    await put('triggers', 'again', {});
    assert.deepEqual([await status(), await rules()], ['inactive', undefined]);
    assert.equal((await ask('POST', path('triggers', 'again'), { body: {} })).status, 204);
    assert.equal((await ask('POST', path('rules', 'follows'), { body: { status: 'active' } })).text, 'OK');
    assert.equal(await status(), 'active');
    assert.equal((await ask('POST', path('triggers', 'again'), { body: {} })).status, 202);
  });

  test('at the end of a controller, sequences that run are brought to theirs', async () => {
    await deploy('slow', 'function main(a) { return new Promise((d) => setTimeout(() => d(a), 700)); }');
    await chain('slowly', 'slow', 'slow', 'slow');
    await invoke('slowly', { warm: true });
    const { activationId } = (await invoke('slowly', { n: 1 }, '')).json<{ activationId: string }>();
    await delay(300);
    assert.equal(await rig.stopController(), 0);
    rig.startController();
    await rig.ready();
    assert.deepEqual((await record(activationId, 1)).response.result, { n: 1 });
  });

  test('a sequence whose process is killed ends in one record, and nothing it caused runs twice', async () => {
    await deploy('counted', counting);
    await chain('killed', 'counted', 'counted', 'counted');
    const { activationId } = (await invoke('killed', {}, '')).json<{ activationId: string }>();
    while ((await records('counted')).length === 0) await delay(50);
    await delay(200);
    await rig.killController();
    rig.startController();
    await rig.ready();
    const lost = await record(activationId, 600);
    assert.equal(lost.response.status, 'whisk internal error');
    assert.match(JSON.stringify(lost.response.result), /may have run/);
    assert.deepEqual([value(lost, 'kind'), value(lost, 'topmost')], ['sequence', true]);
    const caused = await records('counted');
    assert.ok(caused.every(({ cause }) => cause === activationId));
    assert.equal(caused.length, 2);
    const runs = (await invoke('counted', { ms: 1 }, 'blocking=true&result=true')).json<{ runs: number }>();
    assert.equal(runs.runs, caused.length + 1);
    assert.equal((await records('killed')).length, 1);
  });

  test('every id of a sequence that was given ends in a record, though the process is killed that moment', async () => {
    await chain('burst', 'inc', 'inc');
    const given = await Promise.all(
      Array.from({ length: 12 }, async () => (await invoke('burst', {}, '')).json<{ activationId: string }>()),
    );
    await rig.killController();
    rig.startController();
    await rig.ready();
    for (const { activationId } of given) await record(activationId, 600);
    assert.equal((await records('burst')).length, given.length);
  });
});
