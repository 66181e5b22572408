/** The invoker as a process, over its frames, with a real Postgres, a real object folder and real sandboxes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { recordJson, type ActivationRecord } from '#libs/domain';
import { Caller, InvokerRig, type CallEnd } from '../support/invoker-rig.js';

let rig: InvokerRig;
let caller: Caller;

before(async () => {
  rig = await InvokerRig.start();
  rig.startSpawner();
  rig.startInvoker();
  caller = await rig.caller();
});

after(() => rig.stop());

const resultOf = (record: ActivationRecord | undefined): unknown => JSON.parse(record?.response.result ?? 'null') as unknown;
const statusOf = ({ record, refused }: CallEnd): number | string | undefined => record?.response.statusCode ?? refused;
const annotation = (record: ActivationRecord | undefined, key: string): unknown =>
  JSON.parse(record?.annotations.find((a) => a.key === key)?.value ?? 'null') as unknown;

test('a peer with a wrong token is dropped without an answer', async () => {
  await assert.rejects(Caller.open(rig.listen, 'stranger', 'not the token of this region'));
});

test('HELLO and PING tell how things stand', async () => {
  assert.equal(caller.hello['role'], 'invoker');
  assert.equal(caller.hello['name'], 'invoker-0');
  assert.equal(caller.hello['draining'], false);
  assert.ok(caller.hello['sandbox']);
  caller.ping();
  await until(() => caller.pings.some(({ pong }) => pong === true));
});

test('the first call initialises, the next is warm, and both are on record with their logs', async () => {
  const order = await rig.action('function main({ name }) { console.log("hello", name); return { greeting: `hello ${name}` }; }');
  const [first, second] = [order(), order()];
  const cold = await caller.run(first, { name: 'ada' });
  const warm = await caller.run(second, { name: 'bob' });
  assert.match(cold.started ?? '', /^(cold|prewarmed)$/);
  assert.equal(warm.started, 'warm');
  assert.deepEqual(resultOf(warm.record), { greeting: 'hello bob' });
  assert.equal(typeof annotation(cold.record, 'initTime'), 'number');
  assert.equal(annotation(warm.record, 'initTime'), null);
  assert.deepEqual(warm.record?.logs, []);

  const stored = await rig.record(second.activationId);
  assert.match(stored.logs[0] ?? '', /^\d{4}-\d\d-\d\dT.{11,19}Z *stdout: hello bob$/);
  assert.equal(recordJson(stored, []), recordJson(warm.record ?? stored, []));
  assert.deepEqual(stored.trace.start, 'warm');
});

test('code sees its activation, its place and its init parameters; a key only where the order has one', async () => {
  const order = await rig.action('function main() { return { env: process.env }; }');
  const first = order({ secret: { env: { SECRET: 's3' } } });
  const { env } = resultOf((await caller.run(first)).record) as { env: Record<string, string> };
  assert.equal(env['SECRET'], 's3');
  assert.equal(env['__OW_API_HOST'], 'http://router.test');
  assert.equal(env['__OW_ACTION_NAME'], '/guest/hello');
  assert.equal(env['__OW_ACTIVATION_ID'], first.activationId);
  assert.equal(env['__OW_REGION'], 'eu-west-1');
  assert.equal(env['__OW_API_KEY'], undefined);

  const second = order({ secret: { apiKey: 'u:k', env: { SECRET: 's3' } } });
  const again = resultOf((await caller.run(second)).record) as { env: Record<string, string> };
  assert.equal(again.env['__OW_ACTIVATION_ID'], second.activationId);
  assert.equal(again.env['__OW_API_KEY'], 'u:k');
});

test('a sandbox that was idle long enough to be frozen serves the next call', async () => {
  const order = await rig.action('function main() { return {}; }');
  await caller.run(order());
  await new Promise((resolve) => setTimeout(resolve, 400));
  const end = await caller.run(order());
  assert.deepEqual([end.started, statusOf(end)], ['warm', 0]);
});

test('every end has OpenWhisk’s status and text', async () => {
  const cases: readonly [string, number, RegExp][] = [
    ['function main() { return { error: "it broke", more: 1 }; }', 1, /^\{"error":"it broke"\}$/],
    ['function main() { throw new Error("thrown"); }', 2, /An error has occurred/],
    ['function main() { process.exit(3); }', 2, /did not produce a valid response and exited unexpectedly/],
    ['function other() {}', 2, /entrypoint 'main' is not a function/],
    ['function main() { return new Promise(() => {}); }', 2, /exceeded its time limits of 700 milliseconds/],
  ];
  for (const [code, status, text] of cases) {
    const order = await rig.action(code, { timeout: 700 });
    const { record } = await caller.run(order());
    assert.equal(record?.response.statusCode, status, code);
    assert.match(record?.response.result ?? '', text);
  }
});

test('a run that exits says that logs may be missing, and keeps what it had printed', async () => {
  const order = (await rig.action('function main() { console.log("before"); process.exit(1); }'))();
  await caller.run(order);
  const { logs } = await rig.record(order.activationId);
  assert.match(logs[0] ?? '', /stdout: before$/);
  assert.match(logs.at(-1) ?? '', / {7}stderr: The action did not initialize or run as expected\. Log data might be missing\.$/);
});

test('a result just over the limit is an application error, and its sandbox stays', async () => {
  const order = await rig.action('function main({ n }) { return n ? { a: "é".repeat(n) } : {}; }');
  const limit = 1024 * 1024;
  await caller.run(order());
  const over = await caller.run(order(), { n: limit / 2 });
  assert.equal(statusOf(over), 1);
  assert.match(over.record?.response.result ?? '', /exceeded the allowed length: 1048584 > 1048576 bytes/);
  assert.equal((await caller.run(order())).started, 'warm');
});

test('code that the region does not have, and orders that are refused, end without a sandbox', async () => {
  const order = await rig.action('function main() {}');
  const refused = await caller.run(order({ refusal: 'requirement failed: memory size 700 MB exceeds allowed threshold of 512 MB' }));
  assert.deepEqual([statusOf(refused), annotation(refused.record, 'kind')], [1, 'unknown']);
  const missing = order();
  const { record } = await caller.run({
    ...missing,
    action: { ...missing.action, hlc: '2' as typeof missing.action.hlc, blob: '0'.repeat(64) },
  });
  assert.deepEqual(resultOf(record), { error: 'Action could not be fetched.' });
});

test('a cold crowd of which half leaves shares one sandbox, and every accepted call ends in one record', async () => {
  const code = 'const until = Date.now() + 500; while (Date.now() < until); function main() { return { pid: process.pid }; }';
  const order = await rig.action(code, { concurrency: 50 });
  const leaving = await rig.caller('controller-1');
  const [stay, leave] = [Array.from({ length: 25 }, () => order()), Array.from({ length: 25 }, () => order())];
  const answers = stay.map((o) => caller.run(o));
  for (const o of leave) void leaving.run(o);
  // Sent is not yet received; what the invoker has taken shows in what it says.
  await until(() => {
    leaving.ping();
    return leaving.pings.some(({ running }) => Number(running) >= 50);
  });
  leaving.close();
  for (const end of await Promise.all(answers)) assert.equal(statusOf(end), 0);
  const records = await Promise.all([...stay, ...leave].map((o) => rig.record(o.activationId)));
  assert.equal(records.filter((record) => annotation(record, 'initTime') !== null).length, 1);
});

test('in a shared sandbox one run that hangs fails alone, and those after it go elsewhere', async () => {
  const code = `async function main({ mode, id }) {
    console.log(id);
    if (mode === 'hang') await new Promise(() => {});
    if (mode === 'exit') process.exit(1);
    await new Promise((done) => setTimeout(done, 600));
    console.log(id);
    return { id };
  }`;
  const order = await rig.action(code, { concurrency: 50, timeout: 1500 });
  const orders = Array.from({ length: 20 }, () => order());
  const ends = await Promise.all(orders.map((o, n) => caller.run(o, { id: `run ${n}`, mode: n === 7 ? 'hang' : 'ok' })));
  assert.deepEqual(
    ends.map(statusOf),
    orders.map((_, n) => (n === 7 ? 2 : 0)),
  );
  assert.equal(annotation(ends[7]?.record, 'timeout'), true);
  const later = await Promise.all(Array.from({ length: 5 }, () => caller.run(order(), { id: 'later' })));
  assert.deepEqual(later.map(statusOf), [0, 0, 0, 0, 0]);
  for (const [n, o] of orders.entries()) {
    const printed = (await rig.record(o.activationId)).logs.filter((line) => line.includes('stdout: '));
    assert.ok(printed.length > 0 && printed.every((line) => line.endsWith(`stdout: run ${n}`)), `logs of run ${n}`);
  }

  const together = [order(), order(), order()];
  const crashed = await Promise.all(together.map((o, n) => caller.run(o, { id: 'x', mode: n === 2 ? 'exit' : 'ok' })));
  assert.deepEqual(crashed.map(statusOf), [2, 2, 2]);
});

test('the same activation runs once, whoever sends it and however often', async () => {
  const order = (await rig.action('let n = 0; function main() { return { n: ++n }; }'))();
  const twice = await Promise.all([caller.run(order), (await rig.caller('controller-2')).run(order)]);
  assert.deepEqual(new Set(twice.map(statusOf)), new Set([0, 'claimed']));
  await rig.record(order.activationId);
  assert.equal(statusOf(await caller.run(order)), 'done');
});

test('what ends while the store is away is answered, survives kill -9, and is stored as it was answered', async () => {
  const orders = await rig.action('function main() { return new Promise((done) => setTimeout(() => done({ at: Date.now() }), 1500)); }');
  const order = orders();
  const answer = caller.run(order);
  await until(() => caller.startOf(order.activationId) !== undefined);
  const down = rig.postgres.crash(4000);
  const { record } = await answer;
  assert.equal(record?.response.statusCode, 0);
  assert.equal(statusOf(await caller.run(orders())), 'busy');
  await rig.killInvoker();
  await down;
  rig.startInvoker();
  caller = await rig.caller();
  assert.equal((await rig.record(order.activationId)).response.result, record?.response.result);
});

test('SIGTERM lets runs end, refuses new ones, and the process exits with 0', async () => {
  const order = await rig.action('function main({ ms }) { return new Promise((done) => setTimeout(() => done({}), ms)); }');
  await caller.run(order(), { ms: 0 });
  const running = caller.run(order(), { ms: 1500 });
  const exit = rig.stopInvoker();
  await until(() => caller.pings.some(({ draining }) => draining === true));
  assert.equal(statusOf(await caller.run(order(), { ms: 0 })), 'draining');
  assert.equal(statusOf(await running), 0);
  assert.equal(await exit, 0);
});

test('a bad configuration stops the boot with one line', async () => {
  const { exit, said } = await rig.startBadly();
  assert.equal(exit, 1);
  assert.match(said, /^isochrone region: bad configuration .*ISOCHRONE_INVOKER_LISTEN.*\n$/);
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it did not come about');
}
