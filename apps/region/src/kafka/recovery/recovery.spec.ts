import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Failure,
  type ActivationQueue,
  type ActivationRecord,
  type ActivationStore,
  type DueActivation,
  type RunOrder,
} from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { anOrder } from '../../invoker/order.fixture.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { encodeInvocation, Sealing } from '../message.js';
import { Recovery, RecoveryOptions } from './recovery.js';

/** Opens what it sealed; fails as it is told to. */
class TestSealing extends Sealing {
  fault: Error | undefined;
  override seal(_ns: string, bytes: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(bytes);
  }
  override open(_ns: string, sealed: Uint8Array): Promise<Uint8Array> {
    return this.fault ? Promise.reject(this.fault) : Promise.resolve(sealed);
  }
}

const args = Buffer.from('{}');
const nowMs = 1_800_000_000_000;

async function aRecovery(over: Partial<DueActivation> = {}, capacity = 10) {
  const order = anOrder();
  const sealing = new TestSealing();
  const { body } = await encodeInvocation(sealing, order, args);
  const due: DueActivation = { id: order.activationId, ns: order.ns, attempt: 1, verdict: 'redeliver', body, ...over };
  const sent: RunOrder[] = [];
  const finished: { record: ActivationRecord; attempt: number }[] = [];
  const store: Pick<ActivationStore, 'due' | 'finish'> = {
    due: () => Promise.resolve([due]),
    finish: (record, attempt) => Promise.resolve(finished.push({ record, attempt }) > 0),
  };
  const dispatcher: Pick<Dispatcher, 'capacity' | 'has' | 'dispatch'> = {
    capacity,
    has: () => false,
    dispatch: (run) => sent.push(run) > 0,
  };
  const recovery = new Recovery(
    {} as ActivationQueue,
    store as ActivationStore,
    sealing,
    dispatcher as Dispatcher,
    new RecoveryOptions('eu-west-1'),
    new Logger({}, 'error', () => undefined),
  );
  return { recovery, order, sealing, sent, finished };
}

test('what never started is sent again, whole, and not once more before it had time to be claimed', async () => {
  const { recovery, order, sent } = await aRecovery();
  await recovery.step(nowMs);
  await recovery.step(nowMs + 500);
  assert.deepEqual(sent, [order]);
  await recovery.step(nowMs + 6000);
  assert.equal(sent.length, 2);
});

test('nothing is sent where no invoker has room', async () => {
  const { recovery, sent, finished } = await aRecovery({}, 0);
  await recovery.step(nowMs);
  assert.equal(sent.length + finished.length, 0);
});

test('what was lost after its start is never run again; its record says that it may have run', async () => {
  const { recovery, order, sent, finished } = await aRecovery({ verdict: 'lost', attempt: 2 });
  await recovery.step(nowMs);
  assert.equal(sent.length, 0);
  const [end] = finished;
  assert.equal(end?.attempt, 2);
  assert.equal(end.record.response.statusCode, 3);
  assert.match(String(end.record.response.result), /may have run/);
  assert.equal(end.record.name, order.action.name);
  assert.equal(end.record.start, order.acceptedAtMs);
  assert.equal(end.record.trace.region, 'eu-west-1');
  assert.deepEqual(
    end.record.annotations.map(({ key }) => key),
    ['path', 'kind', 'limits', 'timeout', 'waitTime'],
  );
});

test('a lost activation whose message is still on the way waits for it, but not for ever', async () => {
  const { recovery, finished } = await aRecovery({ verdict: 'lost', body: undefined });
  await recovery.step(nowMs);
  assert.equal(finished.length, 0);
  await recovery.step(nowMs + 61_000);
  assert.equal(finished[0]?.record.name, 'unknown');
});

test('a message that cannot be decrypted ends as an internal error with what is known of it', async () => {
  const { recovery, order, sealing, sent, finished } = await aRecovery();
  sealing.fault = new Error('unable to authenticate data');
  await recovery.step(nowMs);
  assert.equal(finished.length, 0, 'it may be the database that is away');
  await recovery.step(nowMs + 31_000);
  assert.equal(sent.length, 0);
  assert.equal(finished[0]?.record.response.statusCode, 3);
  assert.equal(finished[0]?.record.name, order.action.name);
});

test('a message that is no message ends as an internal error', async () => {
  const { recovery, finished } = await aRecovery({ body: Buffer.from('rubbish') });
  await recovery.step(nowMs);
  assert.equal(finished[0]?.record.response.statusCode, 3);
});

test('while keys cannot be had, nothing is given up', async () => {
  const { recovery, sealing, sent, finished } = await aRecovery();
  sealing.fault = new Failure('unavailable');
  await recovery.step(nowMs);
  await recovery.step(nowMs + 31_000);
  assert.equal(finished.length, 0);
  sealing.fault = undefined;
  await recovery.step(nowMs + 32_000);
  assert.equal(sent.length, 1);
});
