/** The unmodified `openwhisk` client from npm: every method of every resource, against the router of a world, on both queues of record. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ledger } from '../support/compatibility.js';
import { testKafka, type TestKafka } from '../support/kafka.js';
import { clientVersion, offered, openwhisk, type OpenWhisk } from '../support/openwhisk-client.js';
import { zipOf } from '../support/sandboxes.js';
import { guestKey, startWorld, until, type World } from '../support/world.js';

const hello = "function main(args) { console.log('Hello World'); return { hello: args.name || 'world' }; }";
const ledger = new Ledger('openwhisk (npm)', clientVersion, 'Each method of each resource, against the router, on both queues of record.');

interface Named {
  readonly name: string;
}
interface Entity extends Named {
  readonly version: string;
  readonly annotations: readonly { readonly key: string; readonly value: unknown }[];
  readonly parameters: readonly { readonly key: string; readonly value: unknown }[];
}
interface Activation extends Named {
  readonly activationId: string;
  readonly start: number;
  readonly logs: readonly string[];
  readonly response: { readonly success: boolean; readonly result: unknown };
}
const names = (all: readonly Named[]): string[] => all.map(({ name }) => name).toSorted();

for (const queue of ['postgres', 'kafka'] as const) {
  describe(`the client from npm, queue of record: ${queue}`, () => {
    let kafka: TestKafka | undefined;
    let world: World;
    let client: OpenWhisk;
    /** The methods that went well in the test that runs, and in all that passed. */
    let used = new Set<string>();
    const proven = new Set<string>();

    before(async () => {
      kafka = queue === 'kafka' ? await testKafka() : undefined;
      world = await startWorld({
        regions: queue === 'kafka' ? ['us-east-1'] : ['us-east-1', 'eu-west-1'],
        queue,
        watched: true,
        env: kafka ? { KAFKA_BROKERS: kafka.brokers.join(',') } : {},
      });
      client = openwhisk({ apihost: world.url, api_key: guestKey }, (method) => used.add(method));
    });
    after(async () => {
      ledger.save();
      await world?.stop();
      await kafka?.stop();
    });

    /** A test; the methods that went well in it work when nothing in it threw. */
    const proves = (what: string, body: () => Promise<void>): void =>
      void test(what, async () => {
        used = new Set();
        await body();
        for (const method of used) {
          proven.add(method);
          ledger.works(method);
        }
      });

    /** Waits until the record of an activation is there, and gives it. */
    const record = async (name: string): Promise<Activation> => {
      let found: Activation | undefined;
      await until('the record is there', async () => {
        found = await client.activations.get<Activation>({ name }).catch(() => undefined);
        return found !== undefined;
      });
      return found as Activation;
    };

    proves('lists the namespace of its key, and shows what is in it', async () => {
      assert.deepEqual(await client.namespaces.list(), ['guest']);
      const all = await client.namespaces.get<Record<string, unknown[]>>();
      assert.deepEqual(Object.keys(all).toSorted(), ['actions', 'packages', 'rules', 'triggers']);
    });

    proves('creates, reads, updates, lists and deletes actions', async () => {
      const { actions } = client;
      const limits = { timeout: 30_000, memory: 128, logs: 1, concurrency: 2 };
      const created = await actions.create<Entity & { limits: object }>({
        name: 'crud',
        action: hello,
        kind: 'nodejs:20',
        version: '1.2.3',
        annotations: { note: 'mine' },
        params: { a: 1 },
        limits,
      });
      assert.deepEqual([created.version, created.limits], ['1.2.3', limits]);
      const read = await actions.get<Entity & { exec: { code: string } }>({ name: 'crud' });
      assert.equal(read.exec.code, hello);
      assert.deepEqual(read.parameters, [{ key: 'a', value: 1 }]);
      assert.equal(read.annotations.find(({ key }) => key === 'note')?.value, 'mine');
      assert.ok(!('code' in (await actions.get<{ exec: object }>({ name: 'crud', code: false })).exec));
      await assert.rejects(actions.create({ name: 'crud', action: hello }), /HTTP 409/);
      assert.equal((await actions.create<Entity>({ name: 'crud', action: hello, overwrite: true })).version, '1.2.4');
      assert.equal(
        (await actions.update<Entity>({ name: '/guest/crud', action: { exec: { kind: 'nodejs:20', code: hello } } })).version,
        '1.2.5',
      );
      assert.equal((await actions.update<Entity>({ name: 'crud', params: { b: 2 } })).version, '1.2.6');
      await actions.create({ actionName: 'second', action: hello, namespace: 'guest' });
      assert.deepEqual(names(await actions.list<Named[]>({ limit: 50 })), ['crud', 'second']);
      assert.deepEqual(names(await actions.list<Named[]>({ limit: 1, skip: 1 })), ['crud']);
      assert.deepEqual(await actions.list({ count: true }), { actions: 2 });
      assert.deepEqual(names(await actions.get<Named[]>(['crud', { name: 'second' }])), ['crud', 'second']);
      await actions.delete(['crud', 'second']);
      await assert.rejects(actions.get('crud'), /HTTP 404/);
    });

    proves('invokes with and without waiting, and finds records, results and logs', async () => {
      const { actions, activations } = client;
      const since = Date.now() - 1000;
      await actions.update({ name: 'hello', action: hello });
      const headers = { 'X-OW-EXTRA-LOGGING': 'on' };
      const params = { name: 'npm' };
      assert.deepEqual(await actions.invoke({ name: 'hello', blocking: true, result: true, params, headers }), { hello: 'npm' });
      const waited = await actions.invoke<Activation>({ name: 'hello', blocking: true });
      assert.deepEqual([waited.name, waited.response.result], ['hello', { hello: 'world' }]);
      const [one, two] = await actions.invoke<Activation[]>(['hello', { name: 'hello', params }]);
      assert.deepEqual((await record(one?.activationId ?? '')).response.result, { hello: 'world' });
      const id = two?.activationId ?? '';
      await record(id);
      assert.match((await activations.logs<Activation>({ name: id })).logs[0] ?? '', /stdout: Hello World$/);
      assert.deepEqual((await activations.result<Activation['response']>({ activationId: id })).success, true);
      assert.deepEqual((await activations.result<Activation['response']>(id)).result, { hello: 'npm' });

      await until('all four are listed', async () => (await activations.list<Named[]>({ name: 'hello' })).length === 4);
      assert.deepEqual(await activations.list({ name: 'hello', count: true, since }), { activations: 4 });
      assert.deepEqual(await activations.list({ upto: since }), []);
      const [newest, older] = await activations.list<Activation[]>({ limit: 2 });
      const [skipped] = await activations.list<Activation[]>({ skip: 1, limit: 1, docs: true });
      assert.equal(skipped?.activationId, older?.activationId);
      assert.ok(skipped?.response.success && newest && newest.start >= (older?.start ?? Infinity));
    });

    proves('an action that fails rejects with its error', async () => {
      await client.actions.update({ name: 'broken', action: "function main() { return { error: 'it broke' }; }" });
      await assert.rejects(client.actions.invoke({ name: 'broken', blocking: true, result: true }), /HTTP 502 .*it broke/);
      await assert.rejects(openwhisk({ apihost: world.url, api_key: 'nobody:nothing' }, () => {}).actions.list(), /HTTP 401/);
    });

    proves('sends a zip as a buffer, and makes sequences', async () => {
      const action = await zipOf({
        'package.json': JSON.stringify({ main: 'app.js' }),
        'app.js': "exports.main = () => ({ name: require('./part.js') });",
        'part.js': "module.exports = 'zip';",
      });
      await client.actions.update({ name: 'zipped', action, kind: 'nodejs:default' });
      assert.deepEqual(await client.actions.invoke({ name: 'zipped', blocking: true, result: true }), { name: 'zip' });
      await client.actions.update({ name: 'hello', action: hello });
      await client.actions.create({ name: 'both', sequence: ['/_/zipped', '/guest/hello'] });
      assert.deepEqual(await client.actions.invoke({ name: 'both', blocking: true, result: true }), { hello: 'zip' });
    });

    proves('creates, binds, reads, updates, lists and deletes packages', async () => {
      const { packages, actions } = client;
      const parameters = [{ key: 'name', value: 'package' }];
      await packages.create({ name: 'tools', package: { publish: true, parameters }, annotations: { note: 'mine' } });
      await actions.create({ name: 'tools/hello', action: hello });
      assert.deepEqual(await actions.invoke({ name: '/guest/tools/hello', blocking: true, result: true }), { hello: 'package' });
      await packages.create({ name: 'bound', package: { binding: { namespace: 'guest', name: 'tools' } } });
      assert.deepEqual(await actions.invoke({ name: 'bound/hello', blocking: true, result: true }), { hello: 'package' });
      const read = await packages.get<Entity & { publish: boolean; actions: Named[] }>('tools');
      assert.deepEqual([read.publish, names(read.actions), read.parameters], [true, ['hello'], parameters]);
      await packages.update({ name: 'tools', package: { publish: false } });
      assert.equal((await packages.get<{ publish: boolean }>({ packageName: 'tools' })).publish, false);
      assert.deepEqual(names(await packages.list<Named[]>()), ['bound', 'tools']);
      assert.deepEqual(await packages.list({ count: true }), { packages: 2 });
      assert.ok(names(await packages.list<Named[]>({ namespace: 'whisk.system' })).includes('utils'));
      await packages.delete('bound');
      await assert.rejects(packages.delete({ name: 'tools' }), /HTTP 409/);
      await actions.delete('tools/hello');
      await packages.delete('tools');
      await assert.rejects(packages.invoke(), /not supported/);
      ledger.notOffered('packages.invoke', 'The client itself refuses it.');
    });

    proves('fires triggers, and switches rules', async () => {
      const { triggers, rules, activations } = client;
      await client.actions.update({ name: 'listener', action: hello });
      await triggers.create({ name: 'event', trigger: { parameters: [{ key: 'name', value: 'trigger' }] } });
      await rules.create({ name: 'link', trigger: 'event', action: '/guest/listener' });
      const { activationId } = await triggers.invoke<Activation>({ name: 'event', params: { more: 1 } });
      assert.deepEqual((await record(activationId)).response.result, { more: 1 });
      const heard = (): Promise<Activation[]> => activations.list<Activation[]>({ name: 'listener', docs: true });
      await until('the rule has run the action', async () => (await heard()).length === 1);
      assert.deepEqual((await heard())[0]?.response.result, { hello: 'trigger' });
      await rules.disable({ name: 'link' });
      assert.equal((await rules.get<{ status: string }>('link')).status, 'inactive');
      await rules.enable({ name: 'link' });
      assert.equal((await rules.get<{ status: string }>({ ruleName: 'link' })).status, 'active');
      await triggers.create({ name: 'other' });
      await rules.update({ name: 'link', trigger: 'other', action: 'listener' });
      assert.equal((await rules.get<{ trigger: Named }>('link')).trigger.name, 'other');
      await triggers.update({ name: 'event', trigger: { parameters: [] } });
      assert.deepEqual((await triggers.get<Entity>('event')).parameters, []);
      assert.deepEqual([await rules.list({ count: true }), await triggers.list({ count: true })], [{ rules: 1 }, { triggers: 2 }]);
      assert.deepEqual([names(await rules.list<Named[]>()), names(await triggers.list<Named[]>())], [['link'], ['event', 'other']]);
      await rules.delete('link');
      await triggers.delete(['event', 'other']);
      await assert.rejects(rules.invoke(), /not supported/);
      ledger.notOffered('rules.invoke', 'The client itself refuses it.');
    });

    proves('makes, reads, changes and deletes feeds', async () => {
      const { feeds, triggers } = client;
      const feed = { name: '/whisk.system/alarms/alarm', trigger: 'nightly' };
      await triggers.create({ name: 'nightly' });
      assert.equal((await feeds.create<Activation>({ ...feed, params: { cron: '0 3 * * *' } })).response.success, true);
      const cron = async (): Promise<unknown> =>
        ((await feeds.get<Activation>(feed)).response.result as { config: { cron: string } }).config.cron;
      assert.equal(await cron(), '0 3 * * *');
      await feeds.update({ ...feed, params: { cron: '0 4 * * *' } });
      assert.equal(await cron(), '0 4 * * *');
      assert.equal((await feeds.feed<Activation>('READ', feed)).response.success, true);
      await feeds.delete(feed);
      await assert.rejects(feeds.get(feed), /HTTP 502/);
      await triggers.delete('nightly');
    });

    proves('inside an action, with nothing but its defaults: invokes another and fires a trigger', async () => {
      const annotations = { 'provide-api-key': true };
      const body = `const ow = openwhisk(); const answer = await ow.actions.invoke({ name: 'hello', params: args, blocking: true, result: true });
        const fired = await ow.triggers.invoke({ name: 'inner', params: { n: 1 } }); return { answer, fired: fired.activationId };`;
      const text = `const openwhisk = require('openwhisk'); async function main(args) { ${body} }`;
      const zip = await zipOf({ 'index.mjs': `import openwhisk from 'openwhisk'; export async function main(args) { ${body} }` });
      await client.actions.update({ name: 'hello', action: hello });
      await client.triggers.update({ name: 'inner' });
      await client.rules.update({ name: 'inner-hello', trigger: '/_/inner', action: '/_/hello' });
      for (const action of [text, zip]) {
        await client.actions.update({ name: 'outer', action, kind: 'nodejs:default', annotations });
        const seen = await client.actions.invoke({ name: 'outer', params: { name: 'inside' }, blocking: true, result: true });
        assert.deepEqual(seen['answer'], { hello: 'inside' });
        assert.match(String(seen['fired']), /^[0-9a-f]{32}$/);
      }
    });

    proves('makes, calls, shows and deletes routes', async () => {
      interface Apis {
        readonly apis: { value: { apidoc: { paths: object } } }[];
      }
      const { routes } = client;
      const web = 'function main(args) { return { body: { path: args.__ow_path } }; }';
      await client.actions.update({ name: 'routed', action: web, annotations: { 'web-export': true } });
      const route = {
        action: 'routed',
        basepath: '/npm',
        relpath: '/greet/{name}',
        operation: 'GET',
        responsetype: 'http',
        name: 'npm API',
      };
      const { gwApiUrl } = await routes.create<{ gwApiUrl: string }>(route);
      assert.deepEqual(await (await fetch(`${gwApiUrl}/greet/you`)).json(), { path: '/npm/greet/you' });
      await routes.create({ ...route, relpath: '/', operation: 'POST', responsetype: 'json' });
      const { apis } = await routes.get<Apis>({ name: 'npm API' });
      assert.deepEqual(Object.keys(apis[0]?.value.apidoc.paths ?? {}).toSorted(), ['/', '/greet/{name}']);
      await routes.delete({ basepath: '/npm' });
      await routes.create({ swagger: JSON.stringify(apis[0]?.value.apidoc) });
      assert.deepEqual((await routes.get<Apis>({ basepath: '/npm' })).apis, apis);
      assert.deepEqual(await (await fetch(`${gwApiUrl}/greet/again`)).json(), { path: '/npm/greet/again' });
      assert.equal((await routes.list<Apis>({ basepath: '/npm', relpath: '/', operation: 'POST', limit: 5, skip: 0 })).apis.length, 1);
      await routes.delete({ basepath: '/npm', relpath: '/', operation: 'POST' });
      await routes.delete({ basepath: '/npm', relpath: '/greet/{name}' });
      assert.deepEqual((await routes.list<Apis>()).apis, []);
      await assert.rejects(routes.delete({ basepath: '/npm' }), /API deletion failure: API '\/npm' does not exist\./);
      await assert.rejects(routes.create({ ...route, responsetype: 'json' }), /must use a response type of '\.http'/);
    });

    test('every method that it offers went well, but those that it refuses itself', () => {
      assert.deepEqual(
        offered().filter((method) => !proven.has(method)),
        ['packages.invoke', 'rules.invoke'],
      );
      assert.deepEqual(ledger.missing(offered()), []);
    });

    test('every answer was as the document describes it', async () => assert.deepEqual(await world.departures(), []));
  });
}
