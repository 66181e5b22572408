/** What operators of OpenWhisk ask of one controller: nothing where it is not enabled, and the real state where it is. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, deploy, invoke } from '../support/client.js';
import { ControllerRig, wellKnown } from '../support/controller-rig.js';
import { until } from '../support/world.js';

const enabled = { ISOCHRONE_OPERATOR_ROUTES: 'on' };
const credentials = { ISOCHRONE_CONTROLLER_USERNAME: 'controller', ISOCHRONE_CONTROLLER_PASSWORD: 'a password for a test' };
const paths = ['/invokers', '/invokers/healthy/count', '/invokers/ready', '/activation', '/activation/count'];

let rig: ControllerRig;

before(async () => {
  rig = await ControllerRig.start('seed');
});
after(() => rig?.stop());

async function again(env: Readonly<Record<string, string>>): Promise<void> {
  await rig.stopController();
  rig.startController(env);
  await rig.ready();
}

const get = async (path: string): Promise<unknown> => (await ask(rig.base, 'GET', path, { key: null })).json<unknown>();
const disable = (key: string | null): Promise<number> => ask(rig.base, 'POST', '/disable', { key }).then(({ status }) => status);

test('a hosted controller answers none of it, and does not describe it', async () => {
  for (const path of paths) assert.equal((await ask(rig.base, 'GET', path, { key: wellKnown.guest })).status, 405, path);
  assert.equal(await disable('controller:a password for a test'), 405);
  const { paths: described } = (await get('/api-docs')) as { paths: object };
  assert.ok(!paths.some((path) => path in described));
});

test('where it is enabled it tells of invokers and of what is running', async () => {
  await again(enabled);
  assert.deepEqual(await get('/invokers'), { 'invoker0/0': 'up' });
  assert.deepEqual(await get('/invokers/'), { 'invoker0/0': 'up' });
  assert.equal(await get('/invokers/healthy/count'), 1);
  assert.deepEqual(await get('/invokers/ready'), { healthy: '1/1' });
  assert.equal(await get('/activation/count'), 0);

  await deploy(rig.base, 'slow', 'function main() { return new Promise((done) => setTimeout(() => done({}), 3000)); }');
  const { activationId } = (await ask(rig.base, 'POST', '/api/v1/namespaces/_/actions/slow')).json<{ activationId: string }>();
  await until('it runs', async () => (await get('/activation/count')) === 1);
  assert.deepEqual(await get('/activation'), [[activationId, 'guest/slow@0.0.1']]);
  await until('it has ended', async () => (await get('/activation/count')) === 0);
});

test('without credentials in the configuration nobody disables a controller', async () => {
  for (const key of [null, 'controller.user:controller.pass', ':', 'undefined:undefined', wellKnown.guest]) {
    assert.equal(await disable(key), 401, String(key));
  }
});

test('with them its readiness turns red, and what comes is served', async () => {
  await again({ ...enabled, ...credentials });
  assert.equal(await disable('controller:another password for a test'), 401);
  assert.equal((await ask(rig.base, 'GET', '/health/ready', { key: null })).status, 200);
  const reply = await ask(rig.base, 'POST', '/disable', { key: 'controller:a password for a test' });
  assert.deepEqual([reply.status, reply.text], [200, 'controller is disabled']);
  assert.equal((await ask(rig.base, 'GET', '/health/ready', { key: null })).status, 503);
  await deploy(rig.base, 'still', 'function main() { return { served: true }; }');
  assert.deepEqual((await invoke(rig.base, 'still')).json(), { served: true });
});
