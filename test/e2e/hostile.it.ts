/** Actions that loop, eat memory, fork, exit, flood and lie get the contract's answer, and their neighbour never notices. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { actionPath, ask, deploy, invoke } from '../support/client.js';
import { startWorld, until, type World } from '../support/world.js';

let world: World;
let region: string;
let neighbour: Neighbour;

before(async () => {
  world = await startWorld({ regions: ['us-east-1'] });
  region = world.regionUrl('us-east-1');
  const key = world.isochrone('subjects', 'create', 'neighbour').trim();
  await until('the neighbour may deploy', async () => (await ask(region, 'GET', '/api/v1/namespaces', { key })).status === 200);
  const put = await ask(region, 'PUT', actionPath('calm'), {
    key,
    body: { exec: { kind: 'nodejs:20', code: 'function main() { return { calm: true }; }' } },
  });
  assert.equal(put.status, 200);
  neighbour = new Neighbour(region, key);
});
after(async () => {
  neighbour?.stop();
  await world?.stop();
});

/** Another tenant's caller: ten blocking calls a second, every answer noted. */
class Neighbour {
  readonly answers: number[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(base: string, key: string) {
    this.timer = setInterval(() => {
      void invoke(base, 'calm', {}, { key }).then(
        ({ status }) => this.answers.push(status),
        () => this.answers.push(0),
      );
    }, 100);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

interface Outcome {
  readonly name: string;
  readonly code: string;
  readonly limits?: object;
  readonly status: number;
  readonly error: RegExp;
}

const outcomes: readonly Outcome[] = [
  {
    name: 'loops-for-ever',
    code: 'function main() { for (;;); }',
    limits: { timeout: 2000, concurrency: 1 },
    status: 502,
    error: /^The action exceeded its time limits of 2000 milliseconds\.$/,
  },
  {
    name: 'loops-in-init',
    code: 'for (;;); function main() {}',
    limits: { timeout: 1000, concurrency: 1 },
    status: 502,
    error: /^The action exceeded its time limits of 1000 milliseconds during initialization\.$/,
  },
  {
    name: 'eats-heap',
    code: 'function main() { const held = []; for (;;) held.push(new Array(1e6).fill(1.5)); }',
    limits: { memory: 128, timeout: 30000 },
    status: 502,
    error: /^The action exhausted its memory and was aborted\.$/,
  },
  {
    name: 'eats-buffers',
    code: 'function main() { const held = []; for (;;) held.push(Buffer.alloc(16 * 1024 * 1024, 1)); }',
    limits: { memory: 128, timeout: 30000 },
    status: 502,
    error: /^The action exhausted its memory and was aborted\.$/,
  },
  {
    name: 'exits',
    code: 'function main() { process.exit(3); }',
    status: 502,
    error: /^The action did not produce a valid response and exited unexpectedly\.$/,
  },
  {
    name: 'returns-2-mb',
    code: "function main() { return { a: 'x'.repeat(2 * 1024 * 1024) }; }",
    status: 502,
    error:
      /^The action produced a response that exceeded the allowed length: 2097160 > 1048576 bytes\. The truncated response was: \{"a":"xxx/,
  },
  { name: 'returns-text', code: "function main() { return 'text'; }", status: 502, error: /^The action did not return a dictionary\.$/ },
  { name: 'throws', code: "function main() { throw new Error('thrown'); }", status: 502, error: /^An error has occurred: Error: thrown/ },
];

for (const { name, code, limits, status, error } of outcomes) {
  test(`an action that ${name.replaceAll('-', ' ')}`, async () => {
    await deploy(region, name, code, limits ? { limits } : {});
    const reply = await invoke(region, name);
    assert.equal(reply.status, status, reply.text.slice(0, 300));
    assert.match(reply.json<{ error: string }>().error, error);
  });
}

test('an action that forks without end is stopped and the next call runs', async () => {
  const code =
    "function main() { const { spawn } = require('child_process'); let refused = 0; for (let i = 0; i < 500; i++) { const c = spawn(process.execPath, ['-e', 'setInterval(()=>{},1e3)']); c.on('error', () => { refused += 1; }); } return new Promise((done) => setTimeout(() => done({ refused }), 3000)); }";
  await deploy(region, 'forks', code, { limits: { timeout: 10_000, concurrency: 1 } });
  const reply = await invoke(region, 'forks');
  assert.ok(reply.status === 200 ? reply.json<{ refused: number }>().refused > 300 : reply.status === 502, reply.text);
  await deploy(region, 'after-forks', 'function main() { return { ok: true }; }');
  assert.deepEqual((await invoke(region, 'after-forks')).json(), { ok: true });
});

test('an action that prints 20 MB keeps the first 10 and a line that says so', async () => {
  await deploy(
    region,
    'floods',
    "function main() { const line = 'y'.repeat(1023); for (let i = 0; i < 20 * 1024; i++) console.log(line); return { done: true }; }",
    { limits: { logs: 10, concurrency: 1 } },
  );
  const reply = await ask(region, 'POST', `${actionPath('floods')}?blocking=true`);
  assert.equal(reply.status, 200, reply.text.slice(0, 300));
  const { activationId } = reply.json<{ activationId: string }>();
  const path = `/api/v1/namespaces/_/activations/${activationId}/logs`;
  await until('its logs are there', async () => (await ask(region, 'GET', path)).status === 200);
  const { logs } = (await ask(region, 'GET', path)).json<{ logs: string[] }>();
  assert.match(logs.at(-1) ?? '', /stderr: Logs were truncated because the total bytes size exceeds the limit of 10485760 bytes\.$/);
  assert.ok(logs.length > 9000 && logs.length < 10_300, `${logs.length} lines`);
});

test('all the while the neighbour got nothing but 200', async () => {
  neighbour.stop();
  await sleep(3000);
  assert.ok(neighbour.answers.length > 50, `${neighbour.answers.length} answers`);
  assert.deepEqual(
    neighbour.answers.filter((status) => status !== 200),
    [],
  );
});

test('an action that calls the platform on its own machine is no operator and no proxy', async () => {
  const look = `async function main({ base }) {
    const get = async (path) => { const answer = await fetch(base + path, { headers: { 'x-forwarded-for': '203.0.113.77' } }); return { status: answer.status, text: await answer.text() }; };
    return { running: await get('/activation'), invokers: await get('/invokers'), seen: await get('/api/v1/web/guest/default/seen.json') };
  }`;
  await deploy(region, 'seen', 'function main(args) { return { from: args.__ow_headers["x-forwarded-for"] ?? "nobody" }; }', {
    annotations: [{ key: 'web-export', value: true }],
  });
  await deploy(region, 'look', look);
  for (const base of [region, world.url]) {
    const told = (await invoke(region, 'look', { base })).json<Record<'running' | 'invokers' | 'seen', { status: number; text: string }>>();
    assert.deepEqual([told.running.status, told.invokers.status, told.seen.status], [405, 405, 200], base);
    assert.ok(!told.running.text.includes('look'));
  }
  const viaRouter = (await invoke(region, 'look', { base: world.url })).json<Record<'seen', { text: string }>>();
  assert.ok(!viaRouter.seen.text.includes('203.0.113.77'), viaRouter.seen.text);
});
