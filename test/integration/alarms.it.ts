/** Alarms of one region with two controllers: feeds, what makes triggers fire, and that each time is one fire whoever dies. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { ControllerRig, wellKnown } from '../support/controller-rig.js';
import { ask, type Reply } from '../support/client.js';
import { until } from '../support/world.js';

type Feed = 'alarm' | 'once' | 'interval';
interface Told {
  readonly config: Record<string, unknown>;
  readonly status: {
    readonly active: boolean;
    readonly reason?: { readonly kind: string; readonly statusCode?: number; readonly message: string };
  };
}

const api = '/api/v1/namespaces';
let rig: ControllerRig;
let other: string;
let database: pg.Client;

before(async () => {
  rig = await ControllerRig.start('seed');
  other = await rig.anotherController();
  database = new pg.Client({ connectionString: rig.postgres.url() });
  await database.connect();
  await until('the system packages are there', async () => (await call('GET', '/whisk.system/actions/alarms/interval')).status === 200);
  assert.equal(
    (await call('PUT', '/_/actions/note', { exec: { kind: 'nodejs:20', code: 'const main = (p) => ({ got: p.got });' } })).status,
    200,
  );
});
after(async () => {
  await database?.end();
  await rig?.stop();
});

const call = (method: string, path: string, body?: object, base = other): Promise<Reply> =>
  ask(base, method, api + path, { key: wellKnown.guest, ...(body === undefined ? {} : { body }) });

/** Invokes a feed and returns its result. */
async function feed<T = unknown>(name: Feed, lifecycleEvent: string, trigger: string, params: object = {}): Promise<T> {
  const body = { lifecycleEvent, triggerName: `/_/${trigger}`, authKey: wellKnown.guest, ...params };
  const reply = await call('POST', `/whisk.system/actions/alarms/${name}?blocking=true&result=true`, body);
  return reply.json<T & Record<string, unknown>>();
}

/** A trigger with a rule, and an alarm that fires it. */
async function alarm(name: Feed, trigger: string, params: object): Promise<unknown> {
  await call('PUT', `/_/triggers/${trigger}`, {});
  await call('PUT', `/_/rules/${trigger}-rule`, { trigger: `/_/${trigger}`, action: '/_/note' });
  return feed(name, 'CREATE', trigger, params);
}

const status = async (trigger: string) => (await feed<Told>('alarm', 'READ', trigger)).status;
const success = { status: 'success' };

async function fired(trigger: string): Promise<number> {
  const reply = await call('GET', `/_/activations?count=true&name=${trigger}`);
  return reply.json<{ activations: number }>().activations;
}

/** How often the alarm of a trigger was claimed to go off. */
async function claimed(trigger: string): Promise<number> {
  const { rows } = await database.query<{ fires: string }>('select fires from alarm_fire where path = $1', [trigger]);
  return Number(rows[0]?.fires ?? 0);
}

/** Stops an alarm without forgetting it, and checks that every claimed fire left one record. */
async function everyFireOnce(trigger: string): Promise<number> {
  assert.deepEqual(await feed('alarm', 'UPDATE', trigger, { cron: '0 0 1 1 *' }), success);
  await until(`all fires of ${trigger} are seen to`, async () => {
    const { rows } = await database.query('select 1 from alarm_fire where path = $1 and not done', [trigger]);
    return rows.length === 0;
  });
  const fires = await claimed(trigger);
  await until(`${trigger} has ${fires} records`, async () => (await fired(trigger)) >= fires);
  assert.equal(await fired(trigger), fires);
  return fires;
}

test('a timetable with seconds fires a trigger once for each time, whatever the number of controllers', async () => {
  assert.deepEqual(await alarm('alarm', 'ticks', { cron: '* * * * * *', trigger_payload: { got: 'tick' } }), success);
  await until('it went off a few times', async () => (await claimed('ticks')) >= 4);
  const fires = await everyFireOnce('ticks');
  const notes = async (): Promise<number> =>
    (await call('GET', '/_/activations?count=true&name=note')).json<{ activations: number }>().activations;
  await until('the rule was followed each time', async () => (await notes()) >= fires);
  assert.equal(await notes(), fires);
  const [last] = (await call('GET', '/_/activations?docs=true&limit=1&name=note')).json<{ response: { result: unknown } }[]>();
  assert.deepEqual(last?.response.result, { got: 'tick' });
});

test('the death of a controller neither loses nor doubles what is due', async () => {
  assert.deepEqual(await alarm('alarm', 'survivor', { cron: '* * * * * *' }), success);
  await until('it goes off', async () => (await claimed('survivor')) >= 2);
  await rig.killController();
  const before = await claimed('survivor');
  await until('it goes off without the one that died', async () => (await claimed('survivor')) >= before + 2);
  rig.startController();
  await rig.ready();
  await everyFireOnce('survivor');
});

test('an alarm whose trigger is gone goes off no more, and says why', async () => {
  await alarm('alarm', 'orphan', { cron: '* * * * * *' });
  await call('DELETE', '/_/triggers/orphan');
  await until('it is noticed', async () => (await claimed('orphan')) > 0);
  await call('PUT', '/_/triggers/orphan', {});
  await until('it is disabled', async () => !(await status('orphan')).active);
  assert.deepEqual((await status('orphan')).reason, {
    kind: 'AUTO',
    statusCode: 404,
    message: 'Trigger automatically disabled: Received a 404 status code when firing the trigger',
  });
  assert.deepEqual(await feed('alarm', 'UPDATE', 'orphan', { cron: '0 0 1 1 *' }), success);
  assert.deepEqual(await status('orphan').then(({ active, reason }) => ({ active, reason })), { active: true, reason: undefined });
});

test('what is due once fires once, and takes along what it was told to', async () => {
  const soon = (): object => ({ date: Date.now() + 1500 });
  await alarm('once', 'single', soon());
  await alarm('once', 'gone', { ...soon(), deleteAfterFire: 'true' });
  await alarm('once', 'allgone', { ...soon(), deleteAfterFire: 'rules' });
  await until('it is over', async () => !(await status('single')).active);
  assert.deepEqual((await status('single')).reason, { kind: 'AUTO', message: 'Automatically disabled after firing once' });
  assert.equal(await fired('single'), 1);
  for (const name of ['gone', 'allgone']) {
    await until(`${name} is deleted`, async () => (await call('GET', `/_/triggers/${name}`)).status === 404);
    assert.equal(await fired(name), 1);
  }
  await until('its rule is deleted too', async () => (await call('GET', '/_/rules/allgone-rule')).status === 404);
  assert.equal((await call('GET', '/_/rules/gone-rule')).status, 200);
});

test('an interval begins at its start and ends before its stop', async () => {
  const startDate = Date.now() + 1000;
  assert.deepEqual(await alarm('interval', 'spans', { minutes: 1, startDate, stopDate: startDate + 30_000 }), success);
  await until('its only time has come', async () => !(await status('spans')).active);
  assert.equal((await status('spans')).reason?.message, 'Automatically disabled after firing last scheduled interval trigger');
  assert.equal(await fired('spans'), 1);
});

test('what a feed refuses is an error in its result, and other alarms keep time', async () => {
  await alarm('alarm', 'steady', { cron: '* * * * * *' });
  await call('PUT', '/_/triggers/bad', {});
  const refused = async (date: unknown) => (await feed<{ error: { error: string } }>('once', 'CREATE', 'bad', { date })).error.error;
  const past = Date.now() - 1000;
  assert.equal(await refused(past), `date parameter '${past}' must be in the future`);
  assert.equal(await refused('2020-02-30'), "date parameter '2020-02-30' must be in the future");
  assert.equal(await refused('1e20'), "date parameter '1e20' is not a valid Date");
  assert.equal(await refused(''), 'alarms once trigger feed is missing the date parameter');
  const wrong = await feed<{ error: { error: string } }>('alarm', 'CREATE', 'bad', { cron: '* * * * *', authKey: wellKnown.other });
  assert.equal(wrong.error.error, 'Trigger authentication request failed.');
  const absent = await feed<{ error: { error: string } }>('alarm', 'CREATE', 'absent', { cron: '* * * * *' });
  assert.equal(absent.error.error, 'Trigger authentication request failed.');
  const unknown = await feed<{ error: { error: string } }>('alarm', 'READ', 'bad');
  assert.equal(unknown.error.error, 'could not find trigger /guest/bad in the database');
  assert.deepEqual(await feed('alarm', 'PAUSE', 'bad'), { error: 'unsupported lifecycleEvent' });
  await feed('once', 'CREATE', 'bad', { date: Date.now() + 50 });
  const standing = await claimed('steady');
  await until('the other one goes on', async () => (await claimed('steady')) >= standing + 2);
  assert.deepEqual(await feed('alarm', 'DELETE', 'steady'), success);
});

test('a feed is invoked through a binding, without waiting, and in a sequence, and leaves an ordinary record', async () => {
  await call('PUT', '/_/packages/clock', {
    binding: { namespace: 'whisk.system', name: 'alarms' },
    parameters: [{ key: 'cron', value: '0 0 1 1 *' }],
  });
  await call('PUT', '/_/triggers/bound', {});
  const body = { lifecycleEvent: 'CREATE', triggerName: 'bound', authKey: wellKnown.guest };
  const started = await call('POST', '/_/actions/clock/alarm', body);
  assert.equal(started.status, 202);
  const { activationId } = started.json<{ activationId: string }>();
  await until('its record is there', async () => (await call('GET', `/_/activations/${activationId}`)).status === 200);
  const record = (await call('GET', `/_/activations/${activationId}`)).json<{
    response: object;
    annotations: { key: string; value: unknown }[];
  }>();
  assert.deepEqual(record.response, { result: success, size: 20, status: 'success', success: true });
  const annotation = (key: string): unknown => record.annotations.find((each) => each.key === key)?.value;
  assert.deepEqual(
    [annotation('path'), annotation('kind'), annotation('binding')],
    ['whisk.system/alarms/alarm', 'nodejs:20', 'guest/clock'],
  );
  await call('PUT', '/_/actions/line', { exec: { kind: 'sequence', components: ['/whisk.system/utils/echo', '/_/clock/alarm'] } });
  const read = await call('POST', '/_/actions/line?blocking=true&result=true', { ...body, lifecycleEvent: 'READ' });
  assert.equal(read.json<Told>().config['cron'], '0 0 1 1 *');
});

test('nobody but its owner writes into the namespace of the packages', async () => {
  const code = { exec: { kind: 'nodejs:20', code: 'const main = () => ({});' } };
  for (const path of ['actions/mine', 'actions/utils/echo?overwrite=true', 'packages/mine']) {
    assert.equal((await call('PUT', `/whisk.system/${path}`, code)).status, 403, path);
  }
  assert.equal((await call('DELETE', '/whisk.system/packages/utils')).status, 403);
});
