import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActivationRecord, ActivationStore } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { Claims } from './claims.js';
import { Journal } from './journal.js';
import type { InvokerOptions } from './options.js';
import { anOrder } from './order.fixture.js';
import { buildRecord, noLogs } from './record.js';
import { RecordWriter } from './record-writer.js';

function aRecord(id: string): ActivationRecord {
  const given = { region: 'r', attempt: 1, start: 'none', startMs: 1, endMs: 1, logs: noLogs, resultBytes: 1 } as const;
  return buildRecord({ ...given, order: anOrder({ id }), outcome: { kind: 'lost' } });
}

/** A writer over a store whose `finish` the spec gives, and what reached store and journal. */
function aWriter(finish: (record: ActivationRecord) => Promise<boolean>, journalWorks = true) {
  const confirmed: string[] = [];
  const options = {
    storePausesMs: { first: 0, max: 0 },
    recordsMax: 3,
    recordsBytesMax: 1e9,
    journalFolder: '/',
    name: 'i',
  } as unknown as InvokerOptions;
  const store = { finish } as unknown as ActivationStore;
  const logger = new Logger({}, 'error', () => undefined);
  const journal = Object.assign(new Journal(options), {
    append: () => (journalWorks ? Promise.resolve() : Promise.reject(new Error('disk full'))),
    confirm: (id: string) => void confirmed.push(id.slice(0, 2)),
    close: () => Promise.resolve(),
  });
  return { writer: new RecordWriter(store, journal, new Claims(store, options, logger), options, logger), confirmed };
}

test('records that the store did not take are offered again until it does, and only then confirmed', async () => {
  let down = true;
  const stored: string[] = [];
  const { writer, confirmed } = aWriter(async ({ activationId }) => {
    if (down) throw new Error('down');
    stored.push(activationId.slice(0, 2));
    return true;
  });
  for (const id of ['0a', '0b', '0c']) await writer.finish(aRecord(id), 1);
  assert.deepEqual([confirmed, writer.full], [[], true]);
  down = false;
  await writer.end(5000);
  assert.deepEqual([stored.toSorted(), confirmed.toSorted(), writer.full], [['0a', '0b', '0c'], ['0a', '0b', '0c'], false]);
});

test('a record that cannot be stored does not hold up the others, and is replaced by one that says so', async () => {
  const stored = new Map<string, string | undefined>();
  const { writer } = aWriter(async ({ activationId, response }) => {
    if (activationId.startsWith('0a') && response.result?.includes('may have run')) throw new Error('bad row');
    stored.set(activationId.slice(0, 2), response.result);
    return true;
  });
  await writer.finish(aRecord('0a'), 1);
  await writer.finish(aRecord('0b'), 1);
  await writer.end(5000);
  assert.deepEqual([...stored.keys()].toSorted(), ['0a', '0b']);
  assert.match(stored.get('0a') ?? '', /could not be stored/);
});

test('without a journal an answer waits for the store', async () => {
  let take: () => void = () => undefined;
  const taken = new Promise<void>((resolve) => (take = resolve));
  const { writer } = aWriter(() => taken.then(() => true), false);
  let answered = false;
  const finished = writer.finish(aRecord('0a'), 1).then(() => (answered = true));
  await Promise.resolve();
  assert.equal(answered, false);
  take();
  await finished;
});
