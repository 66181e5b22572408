/** The unmodified `openwhisk` client from npm, against the router of a world. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { projectRoot } from '../support/project.js';
import { zipOf } from '../support/sandboxes.js';
import { guestKey, startWorld, until, type World } from '../support/world.js';

interface Client {
  readonly actions: {
    create(options: object): Promise<Record<string, unknown>>;
    update(options: object): Promise<Record<string, unknown>>;
    get(options: object): Promise<Record<string, unknown>>;
    list(options?: object): Promise<{ name: string }[]>;
    delete(options: object): Promise<Record<string, unknown>>;
    invoke(options: object): Promise<Record<string, unknown>>;
  };
  readonly activations: {
    get(options: object): Promise<{ logs: string[]; response: { result: unknown } }>;
    list(options?: object): Promise<{ activationId: string }[]>;
    logs(options: object): Promise<{ logs: string[] }>;
    result(options: object): Promise<{ result: unknown }>;
  };
  readonly triggers: { update(options: object): Promise<Record<string, unknown>> };
  readonly rules: { update(options: object): Promise<Record<string, unknown>> };
  readonly namespaces: { list(): Promise<string[]> };
  readonly routes: {
    create(options: object): Promise<{ gwApiUrl: string }>;
    get(options: object): Promise<{ apis: { value: { gwApiUrl: string; apidoc: Record<string, unknown> } }[] }>;
    list(options?: object): Promise<{ apis: unknown[] }>;
    delete(options: object): Promise<unknown>;
  };
}

const connect = createRequire(join(projectRoot, 'test/conformance/clients/package.json'))('openwhisk') as (options: object) => Client;
const hello = "function main(args) { console.log('Hello World'); return { hello: args.name || 'world' }; }";

let world: World;
let client: Client;

before(async () => {
  world = await startWorld({ regions: ['us-east-1', 'eu-west-1'], watched: true });
  client = connect({ apihost: world.url, api_key: guestKey });
});
after(() => world?.stop());

test('lists the namespace of its key', async () => {
  assert.deepEqual(await client.namespaces.list(), ['guest']);
});

test('creates, reads, updates, lists and deletes an action', async () => {
  const created = await client.actions.create({ name: 'crud', action: hello, annotations: { note: 'mine' }, params: { a: 1 } });
  assert.equal(created['version'], '0.0.1');
  const read = await client.actions.get({ name: 'crud' });
  assert.equal((read['exec'] as { code: string }).code, hello);
  assert.deepEqual(read['parameters'], [{ key: 'a', value: 1 }]);
  const updated = await client.actions.update({ name: 'crud', action: hello });
  assert.equal(updated['version'], '0.0.2');
  assert.ok((await client.actions.list({ limit: 50 })).some(({ name }) => name === 'crud'));
  await client.actions.delete({ name: 'crud' });
  await assert.rejects(client.actions.get({ name: 'crud' }), /404/);
});

test('invokes and waits for the result', async () => {
  await client.actions.update({ name: 'hello', action: hello });
  assert.deepEqual(await client.actions.invoke({ name: 'hello', blocking: true, result: true, params: { name: 'npm' } }), { hello: 'npm' });
});

test('invokes without waiting and finds record, result and logs', async () => {
  await client.actions.update({ name: 'hello', action: hello });
  const { activationId } = (await client.actions.invoke({ name: 'hello' })) as { activationId: string };
  await until('the record is there', () =>
    client.activations.get({ name: activationId }).then(
      () => true,
      () => false,
    ),
  );
  assert.deepEqual((await client.activations.get({ name: activationId })).response.result, { hello: 'world' });
  assert.match((await client.activations.logs({ name: activationId })).logs[0] ?? '', /stdout: Hello World$/);
  assert.deepEqual((await client.activations.result({ name: activationId })).result, { hello: 'world' });
});

test('an action that fails rejects with its error', async () => {
  await client.actions.update({ name: 'broken', action: "function main() { return { error: 'it broke' }; }" });
  await assert.rejects(client.actions.invoke({ name: 'broken', blocking: true, result: true }), /it broke/);
});

test('sends a zip as a buffer', async () => {
  const action = await zipOf({
    'package.json': JSON.stringify({ main: 'app.js' }),
    'app.js': "exports.main = () => ({ zipped: require('./part.js') });",
    'part.js': 'module.exports = 42;',
  });
  await client.actions.update({ name: 'zipped', action, kind: 'nodejs:default' });
  assert.deepEqual(await client.actions.invoke({ name: 'zipped', blocking: true, result: true }), { zipped: 42 });
});

test('inside an action, with nothing but its defaults: invokes another and fires a trigger', async () => {
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

test('makes, calls, shows and deletes routes', async () => {
  const web = 'function main(args) { return { body: { path: args.__ow_path } }; }';
  await client.actions.update({ name: 'routed', action: web, annotations: { 'web-export': true } });
  const route = { action: 'routed', basepath: '/npm', relpath: '/greet/{name}', operation: 'GET', responsetype: 'http', name: 'npm API' };
  const { gwApiUrl } = await client.routes.create(route);
  assert.deepEqual(await (await fetch(`${gwApiUrl}/greet/you`)).json(), { path: '/npm/greet/you' });
  await client.routes.create({ ...route, relpath: '/', operation: 'POST', responsetype: 'json' });
  const { apis } = await client.routes.get({ name: 'npm API' });
  assert.deepEqual(Object.keys(apis[0]?.value.apidoc['paths'] ?? {}).toSorted(), ['/', '/greet/{name}']);
  await client.routes.delete({ basepath: '/npm' });
  await client.routes.create({ swagger: JSON.stringify(apis[0]?.value.apidoc) });
  assert.deepEqual((await client.routes.get({ basepath: '/npm' })).apis, apis);
  assert.deepEqual(await (await fetch(`${gwApiUrl}/greet/again`)).json(), { path: '/npm/greet/again' });
  await client.routes.delete({ basepath: '/npm', relpath: '/', operation: 'POST' });
  await client.routes.delete({ basepath: '/npm', relpath: '/greet/{name}' });
  assert.deepEqual((await client.routes.list()).apis, []);
  await assert.rejects(client.routes.delete({ basepath: '/npm' }), /API deletion failure: API '\/npm' does not exist\./);
  await assert.rejects(client.routes.create({ ...route, responsetype: 'json' }), /must use a response type of '\.http'/);
});

test('every answer was as the document describes it', async () => assert.deepEqual(await world.departures(), []));
