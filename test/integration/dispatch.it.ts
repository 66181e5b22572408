/** Acceptance and dispatch over real framed connections, against invokers that do what a test tells them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  activationId,
  ActivationQueue,
  asJsonText,
  Failure,
  type ActivationId,
  type ActivationRecord,
  type ActivationStore,
  type QueueMessage,
  type RegionCode,
  type RunOrder,
} from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { Connection, decodeRun, encodeResult, frameTypes, noId, type Frame } from '#libs/wire';
import { anOrder } from '../../apps/region/src/invoker/order.fixture.js';
import { Dispatcher, DispatcherOptions } from '../../apps/region/src/kafka/dispatch/dispatcher.js';
import { RecordWaiters } from '../../apps/region/src/kafka/dispatch/record-waiters.js';
import { readOrder, Sealing } from '../../apps/region/src/kafka/message.js';
import { QueuedAcceptance } from '../../apps/region/src/kafka/queued-acceptance.js';
import { eventually } from '../support/queue-contract.js';

const token = 'a token of sixteen or more';
const quiet = new Logger({}, 'error', () => undefined);
const args = Buffer.from('{"n":1}');

class Plain extends Sealing {
  override seal(_ns: string, bytes: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(bytes);
  }
  override open(_ns: string, bytes: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(bytes);
  }
}

/** A queue in memory whose appends end when the test says so. */
class HeldQueue extends ActivationQueue {
  readonly appended: QueueMessage[] = [];
  answer: () => Promise<void> = () => Promise.resolve();
  override append(message: QueueMessage): Promise<void> {
    this.appended.push(message);
    return this.answer();
  }
  override consume(): Promise<void> {
    return Promise.resolve();
  }
  override healthy(): Promise<boolean> {
    return Promise.resolve(true);
  }
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Heard {
  readonly order: RunOrder;
  answer(record: ActivationRecord): void;
  refuse(reason: string): void;
  started(): void;
}

/** An invoker as far as frames go. */
class ScriptedInvoker {
  readonly runs: Heard[] = [];
  private readonly connections = new Set<Connection>();
  private server: Server | undefined;

  constructor(
    readonly name: string,
    private readonly path: string,
    private readonly ownToken = token,
  ) {}

  get address(): string {
    return `unix:${this.path}`;
  }

  async listen(): Promise<void> {
    rmSync(this.path, { force: true });
    this.server = createServer((socket) => {
      const connection: Connection = new Connection(socket, {
        frame: (frame) => this.take(connection, frame),
        closed: () => this.connections.delete(connection),
      });
      this.connections.add(connection);
    });
    await new Promise<void>((resolve) => this.server?.listen(this.path, resolve));
  }

  /** As when the process is killed. */
  async die(): Promise<void> {
    for (const connection of this.connections) connection.close();
    await new Promise((resolve) => (this.server ? this.server.close(resolve) : resolve(undefined)));
  }

  private take(connection: Connection, frame: Frame): void {
    if (frame.type === frameTypes.HELLO) {
      assert.equal(frame.head['token'], token);
      connection.send(frameTypes.HELLO, noId, { role: 'invoker', name: this.name, token: this.ownToken, credits: 8, draining: false });
    }
    if (frame.type !== frameTypes.RUN) return;
    const { order } = decodeRun(frame.payload);
    this.runs.push({
      order,
      answer: (record) => {
        connection.send(frameTypes.RESULT, record.activationId, {}, encodeResult(record));
      },
      refuse: (reason) => void connection.send(frameTypes.REFUSE, order.activationId, { reason }),
      started: () => void connection.send(frameTypes.STARTED, order.activationId, { start: 'warm' }),
    });
  }
}

let folder: string;
let queue: HeldQueue;
let stored: Map<ActivationId, ActivationRecord>;
let invokers: ScriptedInvoker[];
let waiters: RecordWaiters;
let dispatcher: Dispatcher;
let acceptance: QueuedAcceptance;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'isochrone-dispatch-'));
  queue = new HeldQueue();
  stored = new Map();
  invokers = ['one', 'two'].map((name) => new ScriptedInvoker(name, join(folder, `${name}.sock`)));
  await Promise.all(invokers.map((invoker) => invoker.listen()));
  const store: Pick<ActivationStore, 'find'> = {
    find: (_ns, id) => {
      const record = stored.get(id);
      return Promise.resolve(record && { kind: 'done', record });
    },
  };
  waiters = new RecordWaiters(store as ActivationStore, quiet);
  const addresses = invokers.map(({ address }) => address);
  dispatcher = new Dispatcher(new DispatcherOptions(addresses, 'controller-0', token), waiters, quiet);
  acceptance = new QueuedAcceptance(queue, new Plain(), dispatcher, waiters);
  waiters.begin();
  dispatcher.begin();
  await eventually('both invokers are connected', () => dispatcher.status.every(({ connected }) => connected));
});

afterEach(async () => {
  waiters.end();
  await dispatcher.end();
  await Promise.all(invokers.map((invoker) => invoker.die()));
  rmSync(folder, { recursive: true, force: true });
});

function order(over: Partial<RunOrder> = {}): RunOrder {
  const now = Date.now();
  const id = activationId(1 as RegionCode, now, randomBytes(9).toString('hex'));
  return { ...anOrder(), activationId: id, acceptedAtMs: now, blocking: true, ...over };
}

function recordOf({ activationId: id, ns, namespace, subject, action, filterName, acceptedAtMs }: RunOrder): ActivationRecord {
  return {
    activationId: id,
    ns,
    namespace,
    name: action.name,
    filterName,
    version: action.version,
    subject,
    start: acceptedAtMs,
    response: { statusCode: 0, result: asJsonText('{"ok":12345678901234567890}') },
    logs: [],
    annotations: [],
    trace: { transid: 't', region: 'r', start: 'warm', waitMs: 0, attempt: 1 },
  };
}

const heard = (): Heard[] => invokers.flatMap(({ runs }) => runs);

async function firstHeard(): Promise<Heard> {
  await eventually('an invoker gets the run', () => heard().length > 0);
  const [run] = heard();
  assert.ok(run);
  return run;
}

test('a blocking call is dispatched while its append is on the way, and both must be in', async () => {
  const append = gate();
  queue.answer = () => append.promise;
  const { accepted, record } = acceptance.invoke(order(), args);
  const run = await firstHeard();
  run.answer(recordOf(run.order));
  assert.equal((await record).response.result, '{"ok":12345678901234567890}');
  let isAccepted = false;
  void accepted.then(() => (isAccepted = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isAccepted, false);
  append.resolve();
  await accepted;
});

test('any other call is dispatched only when its append is in, and the queue holds it readable for recovery', async () => {
  const append = gate();
  queue.answer = () => append.promise;
  const given = order({ blocking: false });
  const { accepted } = acceptance.invoke(given, args);
  await eventually('the append is on the way', () => queue.appended.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(heard().length, 0);
  append.resolve();
  await accepted;
  const run = await firstHeard();
  assert.deepEqual(run.order, given);
  assert.equal(readOrder(queue.appended[0]?.body ?? Buffer.alloc(0))?.order.activationId, given.activationId);
});

test('without acceptance there is no activation: the call fails as unavailable and is not dispatched', async () => {
  queue.answer = () => Promise.reject(new Failure('unavailable', {}, { fault: 'queue', retryAfterS: 1 }));
  const { accepted } = acceptance.invoke(order({ blocking: false }), args);
  await assert.rejects(accepted, (error) => error instanceof Failure && error.fault === 'queue');
  const blocking = acceptance.invoke(order(), args);
  await assert.rejects(blocking.accepted, Failure);
  await assert.rejects(blocking.record, Failure);
  assert.ok(heard().every(({ order: { blocking: is } }) => is));
});

test('a busy invoker sends the run to the next one, and what nobody takes is left to recovery', async () => {
  const given = order();
  const { record } = acceptance.invoke(given, args);
  (await firstHeard()).refuse('busy');
  await eventually('the other invoker gets it', () => heard().length === 2);
  assert.deepEqual(
    invokers.map(({ runs }) => runs.length),
    [1, 1],
  );
  heard().forEach((run) => run.refuse('busy'));
  await eventually('nobody has it', () => !dispatcher.has(given.activationId));
  stored.set(given.activationId, recordOf(given));
  assert.equal((await record).activationId, given.activationId);
});

test('runs of one action version go to one invoker while it is not loaded', async () => {
  for (let i = 0; i < 3; i += 1) acceptance.invoke(order(), args);
  await eventually('all three arrive', () => heard().length === 3);
  assert.deepEqual(
    invokers.map(({ runs }) => runs.length).sort((a, b) => a - b),
    [0, 3],
  );
});

test('a run whose invoker dies is not sent again; who waits finds its record in the store', async () => {
  const given = order();
  const { record } = acceptance.invoke(given, args);
  const run = await firstHeard();
  run.started();
  const [dead, other] = invokers[0]?.runs.length ? [invokers[0], invokers[1]] : [invokers[1], invokers[0]];
  await dead?.die();
  await eventually('the connection is known to be lost', () => !dispatcher.has(given.activationId));
  assert.equal(other?.runs.length, 0);
  stored.set(given.activationId, recordOf(given));
  assert.equal((await record).activationId, given.activationId);
  await dead?.listen();
  await eventually('it is connected again', () => dispatcher.status.every(({ connected }) => connected));
});

test('an invoker that drains gets no more runs and is shown as draining', async () => {
  acceptance.invoke(order(), args);
  const run = await firstHeard();
  run.refuse('draining');
  await eventually('the other gets it', () => heard().length === 2);
  const draining = invokers.findIndex(({ runs }) => runs[0] === run);
  for (let i = 0; i < 3; i += 1) acceptance.invoke(order(), args);
  await eventually('all arrive', () => heard().length === 5);
  assert.equal(invokers[draining]?.runs.length, 1);
  const { invokers: status } = await acceptance.status();
  assert.equal(status.filter((invoker) => invoker.draining).length, 1);
});

test('an invoker takes no more than its credits', async () => {
  for (let i = 0; i < 30; i += 1) acceptance.invoke(order({ blocking: false }), args);
  await eventually('sixteen arrive', () => heard().length === 16);
  assert.equal(dispatcher.capacity, 0);
  const run = heard()[0];
  run?.answer(recordOf(run.order));
  await eventually('its place is free', () => dispatcher.capacity === 1);
});

test('the record of a call that did not block can be had afterwards', async () => {
  const given = order({ blocking: false });
  const invocation = acceptance.invoke(given, args);
  await invocation.accepted;
  const run = await firstHeard();
  const record = invocation.record;
  run.answer(recordOf(given));
  assert.equal((await record).activationId, given.activationId);
  stored.set(given.activationId, recordOf(given));
  assert.equal((await invocation.record).activationId, given.activationId);
});

test('a peer without the right token is not used', async () => {
  const stranger = new ScriptedInvoker('stranger', join(folder, 'stranger.sock'), 'another token altogether');
  await stranger.listen();
  const other = new Dispatcher(new DispatcherOptions([stranger.address], 'controller-1', token), waiters, quiet);
  other.begin();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(other.dispatch(order(), args), false);
  assert.equal(stranger.runs.length, 0);
  await other.end();
  await stranger.die();
});

function gate(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}
