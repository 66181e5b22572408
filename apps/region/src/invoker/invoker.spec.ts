import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { readEnv, RegionEnv } from '#libs/config';
import {
  Failure,
  SandboxDriver,
  type ActivationRecord,
  type ActivationStore,
  type InitOrder,
  type ObjectStore,
  type Outcome,
  type RunLogs,
  type RunOrder,
  type Sandbox,
  type SandboxInfo,
  type SandboxRun,
  type StemSpec,
} from '#libs/domain';
import type { NamespaceKeys } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { Claims } from './claims.js';
import { CodeCache } from './code-cache.js';
import { Invoker, type Reply } from './invoker.js';
import { Journal } from './journal.js';
import { InvokerOptions } from './options.js';
import { anOrder } from './order.fixture.js';
import { RecordWriter } from './record-writer.js';
import { SandboxPool } from './sandbox-pool.js';

type Done = { readonly outcome: Outcome; readonly durationMs: number; readonly logs: RunLogs };
const none: RunLogs = { lines: [], truncated: false };
const ok: Done = { outcome: { kind: 'answered', phase: 'run', ok: true, body: '{}', bytes: 2 }, durationMs: 1, logs: none };

/** A sandbox whose runs end when the spec says so. */
class FakeSandbox implements Sandbox {
  readonly exited: Promise<'killed'>;
  readonly runs: { readonly order: SandboxRun; readonly end: (done: Done) => void }[] = [];
  inits = 0;
  killed = false;
  /** Has ended, and nobody has noticed. */
  dead = false;
  private exit: (cause: 'killed') => void = () => undefined;

  constructor(
    readonly id: string,
    readonly spec: StemSpec,
    private readonly world: World,
  ) {
    this.exited = new Promise((resolve) => (this.exit = resolve));
  }

  async init(order: InitOrder): Promise<{ outcome: Outcome | { kind: 'ok' }; durationMs: number; logs: RunLogs }> {
    this.inits += 1;
    this.world.log.push(`init ${order.activationId.slice(0, 2)}`);
    await this.world.initGate;
    return { outcome: this.world.initOutcome, durationMs: 7, logs: { lines: ['from init'], truncated: false } };
  }

  run(order: SandboxRun): Promise<Done> {
    if (this.dead) return Promise.reject(new Failure('unavailable'));
    this.world.log.push(`run ${order.activationId.slice(0, 2)}`);
    return new Promise((end) => {
      this.runs.push({ order, end });
      if (this.world.atOnce) end(ok);
    });
  }

  async freeze(): Promise<void> {}
  async thaw(): Promise<void> {}
  async kill(): Promise<void> {
    this.killed = true;
    this.exit('killed');
  }
}

/** Everything around an invoker, in memory. */
class World extends SandboxDriver {
  readonly log: string[] = [];
  readonly sandboxes: FakeSandbox[] = [];
  readonly stored: ActivationRecord[] = [];
  initOutcome: Outcome | { kind: 'ok' } = { kind: 'ok' };
  initGate: Promise<void> = Promise.resolve();
  atOnce = true;
  code: Uint8Array | undefined = Buffer.from('code');
  storeDown = false;
  refuse: 'claimed' | 'started' | 'done' | undefined;
  readonly invoker: Invoker;
  readonly pool: SandboxPool;

  constructor(env: Record<string, string> = {}) {
    super();
    const options = InvokerOptions.from(
      readEnv(RegionEnv, {
        ISOCHRONE_WORLD: 'w',
        ISOCHRONE_REGION: 'eu-west-1',
        ISOCHRONE_DATABASE_URL: 'postgres://x',
        ISOCHRONE_BLOBS: 'file:/x',
        ISOCHRONE_REGION_KEY: 'k',
        ISOCHRONE_FRAME_TOKEN: 'token-token-token',
        ISOCHRONE_ADMIN_TOKEN: 'token-token-token',
        ISOCHRONE_INVOKER_LISTEN: 'unix:/x',
        ISOCHRONE_SPAWNER: 'unix:/y',
        ISOCHRONE_JOURNAL: '/nowhere',
        ISOCHRONE_STEMS: '',
        ...env,
      }),
    );
    const logger = new Logger({}, 'error', () => undefined);
    const store = this.store() as ActivationStore;
    const claims = new Claims(store, options, logger);
    this.pool = new SandboxPool(this, options, logger);
    const code = new CodeCache(
      { find: async () => this.code } as unknown as ObjectStore,
      { openCode: async (_ns: string, bytes: Uint8Array) => bytes } as unknown as NamespaceKeys,
      options,
    );
    const journal = Object.assign(new Journal(options), {
      append: async ({ record }: { record: ActivationRecord }) => void this.log.push(`journal ${record.activationId.slice(0, 2)}`),
      confirm: () => undefined,
    });
    this.invoker = new Invoker(claims, this.pool, code, new RecordWriter(store, journal, claims, options, logger), options, logger);
  }

  info(): SandboxInfo {
    return { driver: 'process', isolated: false, warnings: [], kinds: ['nodejs:20'] };
  }

  async create(spec: StemSpec): Promise<Sandbox> {
    const sandbox = new FakeSandbox(String(this.sandboxes.length), spec, this);
    this.sandboxes.push(sandbox);
    return sandbox;
  }

  async close(): Promise<void> {}

  /** Sends a call; what came back is told as it comes. */
  send(order: RunOrder): { readonly heard: string[]; readonly over: Promise<void> } {
    const heard: string[] = [];
    const id = order.activationId.slice(0, 2);
    const reply: Reply = {
      started: (start) => void heard.push(`started ${start}`),
      refuse: (reason) => void heard.push(`refused ${reason}`),
      result: (record) => {
        this.log.push(`result ${id}`);
        heard.push(`status ${record.response.statusCode}`);
      },
    };
    return { heard, over: this.invoker.take(order, Buffer.from('{}'), reply) };
  }

  private store(): Partial<ActivationStore> {
    const grant = (step: string) => async (claim: { id: string }) => {
      this.log.push(`${step} ${claim.id.slice(0, 2)}`);
      if (this.storeDown) throw new Error('down');
      return this.refuse ? ({ granted: false, because: this.refuse } as const) : ({ granted: true, attempt: 3 } as const);
    };
    return {
      claim: grant('claim'),
      start: grant('start'),
      release: async () => void this.log.push('release'),
      finish: async (record) => {
        this.stored.push(record);
        return true;
      },
    };
  }
}

const numbered = (count: number): RunOrder[] =>
  Array.from({ length: count }, (_, n) => anOrder({ id: (n + 16).toString(16) }, { concurrency: 50 }));

test('an activation is started in the store before it runs, and in the journal before its result is told', async () => {
  const world = new World();
  const call = world.send(anOrder());
  await call.over;
  assert.deepEqual(call.heard, ['started cold', 'status 0']);
  assert.deepEqual(
    world.log.filter((line) => !line.startsWith('init')),
    ['claim 01', 'start 01', 'run 01', 'journal 01', 'result 01'],
  );
  assert.equal(world.stored[0]?.trace.attempt, 3);
});

test('a warm start takes one step of the store', async () => {
  const world = new World();
  await world.send(anOrder({ id: '0a' })).over;
  const second = world.send(anOrder({ id: '0b' }));
  await second.over;
  assert.deepEqual(second.heard, ['started warm', 'status 0']);
  assert.ok(!world.log.includes('claim 0b'));
  assert.equal(world.sandboxes.length, 1);
});

test('a cold crowd shares one sandbox and one init', async () => {
  const world = new World();
  let open: () => void = () => undefined;
  world.initGate = new Promise((resolve) => (open = resolve));
  const calls = numbered(50).map((order) => world.send(order));
  await turn();
  open();
  await Promise.all(calls.map(({ over }) => over));
  assert.deepEqual([world.sandboxes.length, world.sandboxes[0]?.inits], [1, 1]);
  assert.ok(calls.every(({ heard }) => heard.at(-1) === 'status 0'));
  assert.equal(world.stored.filter((record) => record.trace.initMs !== undefined).length, 1);
});

test('an init that fails fails everybody who waited for it; its logs belong to the one that caused it', async () => {
  const world = new World();
  world.initOutcome = { kind: 'exited', phase: 'init' };
  await Promise.all(numbered(3).map((order) => world.send(order).over));
  assert.deepEqual(
    world.stored.map((record) => record.response.statusCode),
    [2, 2, 2],
  );
  assert.equal(world.stored.filter((record) => record.logs.includes('from init')).length, 1);
  assert.equal(world.sandboxes[0]?.killed, true);
  world.initOutcome = { kind: 'ok' };
  const next = world.send(anOrder({ id: 'aa' }, { concurrency: 50 }));
  await next.over;
  assert.deepEqual(next.heard, ['started cold', 'status 0']);
});

test('one run that hangs in a shared sandbox harms nobody else, and later calls go elsewhere', async () => {
  const world = new World();
  world.atOnce = false;
  const calls = numbered(3).map((order) => world.send(order));
  await turn();
  const [shared] = world.sandboxes;
  shared?.runs[0]?.end({ ...ok, outcome: { kind: 'timed-out', phase: 'run', timeoutMs: 100 } });
  await calls[0]?.over;
  const later = world.send(anOrder({ id: 'aa' }, { concurrency: 50 }));
  await turn();
  assert.equal(world.sandboxes[1]?.runs.length, 1);
  assert.equal(shared?.killed, false);
  for (const { end } of [...(shared?.runs.slice(1) ?? []), ...(world.sandboxes[1]?.runs ?? [])]) end(ok);
  await Promise.all([...calls, later].map(({ over }) => over));
  assert.deepEqual(
    calls.map(({ heard }) => heard.at(-1)),
    ['status 2', 'status 0', 'status 0'],
  );
  assert.equal(shared?.killed, true);
});

test('a warm sandbox that turns out to be dead is replaced, and the call runs once', async () => {
  const world = new World();
  await world.send(anOrder({ id: '0a' })).over;
  Object.assign(world.sandboxes[0] ?? {}, { dead: true });
  const call = world.send(anOrder({ id: '0b' }));
  await call.over;
  assert.deepEqual(call.heard, ['started warm', 'status 0']);
  assert.equal(world.log.filter((line) => line === 'run 0b').length, 1);
  assert.equal(world.sandboxes[0]?.killed, true);
});

test('an order that is refused by its controller ends without a sandbox', async () => {
  const world = new World();
  const call = world.send(anOrder({ refusal: 'requirement failed' }));
  await call.over;
  assert.deepEqual(call.heard, ['status 1']);
  assert.equal(world.sandboxes.length, 0);
});

test('code that the region does not have is a whisk internal error', async () => {
  const world = new World();
  world.code = undefined;
  await world.send(anOrder()).over;
  assert.deepEqual(world.stored[0]?.response, { statusCode: 3, result: '{"error":"Action could not be fetched."}' });
});

test('an action larger than the invoker is never provisioned', async () => {
  const world = new World({ ISOCHRONE_USER_MEMORY_MIB: '256' });
  await world.send(anOrder({}, { memory: 512 })).over;
  assert.match(world.stored[0]?.response.result ?? '', /Failed to provision resources/);
});

test('an image that cannot be had is told as the fault of the action that names it', async () => {
  const world = new World();
  await world.send(anOrder({ image: 'somebody/image:1' })).over;
  const [record] = world.stored;
  assert.deepEqual(record?.response, { statusCode: 2, result: `{"error":"Failed to pull container image 'somebody/image:1'."}` });
  assert.deepEqual(
    record?.annotations.filter(({ key }) => ['kind', 'limits'].includes(key)).map(({ key, value }) => [key, JSON.parse(value)] as const),
    [
      ['kind', 'blackbox'],
      ['limits', { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 }],
    ],
  );
  assert.equal(world.sandboxes.length, 0);
});

test('what somebody else has is refused and never run', async () => {
  for (const [because, reason] of [
    ['claimed', 'claimed'],
    ['started', 'claimed'],
    ['done', 'done'],
  ] as const) {
    const world = new World();
    world.refuse = because;
    const call = world.send(anOrder());
    await call.over;
    assert.deepEqual(call.heard, [`refused ${reason}`]);
    assert.ok(!world.log.some((line) => line.startsWith('run')));
  }
});

test('the same activation twice at once runs once', async () => {
  const world = new World();
  const first = world.send(anOrder());
  const second = world.send(anOrder());
  await Promise.all([first.over, second.over]);
  assert.deepEqual(second.heard, ['refused claimed']);
  assert.equal(world.stored.length, 1);
});

test('while the store is away calls are refused, after the first without asking', async () => {
  const world = new World();
  world.storeDown = true;
  const first = world.send(anOrder({ id: '0a' }));
  await first.over;
  const second = world.send(anOrder({ id: '0b' }));
  await second.over;
  assert.deepEqual([first.heard, second.heard], [['refused busy'], ['refused busy']]);
  assert.ok(!world.log.includes('claim 0b'));
});

test('a drain lets runs end, gives back what waits, and takes nothing more', async () => {
  const world = new World({ ISOCHRONE_USER_MEMORY_MIB: '256' });
  world.atOnce = false;
  const runs = world.send(anOrder({ id: '0a' }));
  await turn();
  const waits = world.send(anOrder({ id: '0b' }));
  await turn();
  world.invoker.drain();
  await waits.over;
  const late = world.send(anOrder({ id: '0c' }));
  await late.over;
  assert.deepEqual([waits.heard, late.heard], [['refused draining'], ['refused draining']]);
  assert.ok(world.log.includes('release'));
  world.sandboxes[0]?.runs[0]?.end(ok);
  await runs.over;
  assert.deepEqual(runs.heard, ['started cold', 'status 0']);
});

test('what runs on when the drain is over is recorded as lost', async () => {
  const world = new World();
  world.atOnce = false;
  const call = world.send(anOrder());
  await turn();
  await world.invoker.settle(0);
  assert.deepEqual(call.heard, ['started cold', 'status 3']);
});

test('whatever ends how, every call hears one end, every result is stored once, and the pool returns to rest', async () => {
  const bad: Outcome[] = [
    { kind: 'timed-out', phase: 'run', timeoutMs: 1 },
    { kind: 'exited', phase: 'run' },
    { kind: 'answered', phase: 'run', ok: true, body: '{"error":1}', bytes: 11 },
  ];
  const call = fc.record({
    hlc: fc.constantFrom('1', '2', '3'),
    instances: fc.constantFrom(undefined, 1),
    end: fc.nat({ max: 5 }),
    initFails: fc.boolean(),
    turns: fc.nat({ max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 30 }), fc.constantFrom('256', '512', '4096'), async (calls, memory) => {
      const world = new World({ ISOCHRONE_USER_MEMORY_MIB: memory });
      world.atOnce = false;
      const sent = [];
      for (const [n, { hlc, instances, initFails, turns }] of calls.entries()) {
        world.initOutcome = initFails ? { kind: 'exited', phase: 'init' } : { kind: 'ok' };
        // One version has one set of limits.
        const limits = { concurrency: Number(hlc), ...(instances && hlc === '2' ? { instances } : {}) };
        sent.push(world.send(anOrder({ id: (n + 16).toString(16), hlc }, limits)));
        for (let t = 0; t < turns; t += 1) await turn();
      }
      world.initOutcome = { kind: 'ok' };
      for (let busy = true; busy;) {
        await turn();
        busy = world.pool.figures().running > 0 || world.pool.figures().waiting > 0;
        for (const sandbox of world.sandboxes)
          for (const { order, end } of sandbox.runs) {
            const outcome = bad[calls[parseInt(order.activationId.slice(0, 2), 16) - 16]?.end ?? 0];
            end(outcome ? { ...ok, outcome } : ok);
          }
      }
      await Promise.all(sent.map(({ over }) => over));
      for (const { heard } of sent) assert.equal(heard.filter((line) => !line.startsWith('started')).length, 1);
      const stored = world.stored.map((record) => record.activationId);
      assert.equal(new Set(stored).size, stored.length);
      assert.equal(stored.length, sent.filter(({ heard }) => heard.at(-1)?.startsWith('status')).length);
      assert.equal(stored.length, calls.length);
      const alive = world.sandboxes.filter((sandbox) => !sandbox.killed).length;
      assert.equal(world.pool.figures().sandboxes, alive);
      assert.ok(world.pool.figures().freeMiB >= 0);
    }),
    { numRuns: 60 },
  );
});
