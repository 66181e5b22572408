/** Three regions and a router: who serves whom, what a lost region means, and that code is everywhere. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actionPath, ask, callers, deploy, invoke } from '../support/client.js';
import { startWorld, until, type World } from '../support/world.js';

const regions = ['us-east-1', 'eu-west-1', 'ap-northeast-1'] as const;
const where = "function main(args) { return { region: process.env.__OW_REGION, text: args.text || 'none' }; }";

let world: World;

before(async () => {
  world = await startWorld({ regions });
});
after(() => world?.stop());

const servedBy = (reply: { headers: Headers }) => reply.headers.get('x-isochrone-region');

test('callers from Tokyo, Frankfurt and Virginia are served by their nearest region', async () => {
  const expected = { tokyo: 'ap-northeast-1', frankfurt: 'eu-west-1', virginia: 'us-east-1' } as const;
  for (const [city, region] of Object.entries(expected)) {
    const reply = await ask(world.url, 'GET', '/api/v1/namespaces', { from: callers[city as keyof typeof callers] });
    assert.equal(reply.status, 200);
    assert.equal(servedBy(reply), region, city);
  }
});

test('an action made through any region runs in all three, follows updates, and is gone everywhere after its deletion', async () => {
  for (const origin of regions) {
    const name = `from-${origin}`;
    await deploy(world.regionUrl(origin), name, where);
    for (const region of regions) {
      await until(`${name} runs in ${region}`, async () => (await invoke(world.regionUrl(region), name)).status === 200);
      assert.deepEqual((await invoke(world.regionUrl(region), name)).json(), { region, text: 'none' });
    }
    await deploy(world.regionUrl(origin), name, 'function main() { return { updated: true }; }');
    for (const region of regions) {
      await until(
        `the update of ${name} runs in ${region}`,
        async () => (await invoke(world.regionUrl(region), name)).text === '{"updated":true}',
      );
    }
    assert.equal((await ask(world.regionUrl(origin), 'DELETE', actionPath(name))).status, 200);
    for (const region of regions)
      await until(`${name} is gone from ${region}`, async () => (await invoke(world.regionUrl(region), name)).status === 404);
  }
});

test('a deleted and re-created action never runs its old code', async () => {
  const [a, b] = [world.regionUrl('us-east-1'), world.regionUrl('eu-west-1')];
  await deploy(a, 'phoenix', "function main() { return { code: 'old' }; }");
  await until('it is warm in both', async () => (await invoke(a, 'phoenix')).status === 200 && (await invoke(b, 'phoenix')).status === 200);
  await ask(a, 'DELETE', actionPath('phoenix'));
  await deploy(a, 'phoenix', "function main() { return { code: 'new' }; }");
  for (let i = 0; i < 20; i += 1) assert.deepEqual((await invoke(a, 'phoenix')).json(), { code: 'new' });
  await until('the new one is in the other region', async () => (await invoke(b, 'phoenix')).text === '{"code":"new"}');
  for (let i = 0; i < 20; i += 1) assert.deepEqual((await invoke(b, 'phoenix')).json(), { code: 'new' });
});

test('a record and its logs are found through the router, whoever asks', async () => {
  await deploy(world.url, 'logs', "function main() { console.log('Hello World'); return { hello: 'world' }; }");
  await until('it is in Tokyo', async () => (await invoke(world.regionUrl('ap-northeast-1'), 'logs')).status === 200);
  const accepted = await ask(world.url, 'POST', actionPath('logs'), { from: callers.tokyo });
  assert.equal(accepted.status, 202);
  assert.equal(servedBy(accepted), 'ap-northeast-1');
  const { activationId } = accepted.json<{ activationId: string }>();
  const path = `/api/v1/namespaces/_/activations/${activationId}`;
  await until('its record is there', async () => (await ask(world.url, 'GET', path, { from: callers.virginia })).status === 200);
  const record = (await ask(world.url, 'GET', path, { from: callers.frankfurt })).json<{ response: { result: object }; logs: string[] }>();
  assert.deepEqual(record.response.result, { hello: 'world' });
  assert.match(record.logs.join('\n'), /stdout: Hello World$/);
});

test('a record is found at any region’s own endpoint, by one hop to the region that has it', async () => {
  const [here, there] = [world.regionUrl('us-east-1'), world.regionUrl('eu-west-1')];
  await deploy(here, 'far', "function main() { console.log('from afar'); return { far: true }; }");
  const { activationId } = (await ask(here, 'POST', actionPath('far'))).json<{ activationId: string }>();
  const path = `/api/v1/namespaces/_/activations/${activationId}`;
  await until('its record is told by the other region', async () => (await ask(there, 'GET', path)).status === 200);
  assert.equal((await ask(there, 'GET', path)).text, (await ask(here, 'GET', path)).text);
  assert.match((await ask(there, 'GET', `${path}/logs`)).text, /from afar/);
  assert.deepEqual((await ask(there, 'GET', `${path}/result`)).json()['result'], { far: true });
  const nobody = await ask(there, 'GET', `${path.slice(0, -4)}0000`);
  assert.equal(nobody.status, 404);
  assert.equal(nobody.json()['error'], 'The requested resource does not exist.');
});

test('rules and bindings made in two regions at the same time are all there in the end', async () => {
  const [here, there, third] = regions.map((region) => world.regionUrl(region)) as [string, string, string];
  const put = async (base: string, path: string, body: object): Promise<void> => {
    const reply = await ask(base, 'PUT', `/api/v1/namespaces/_/${path}`, { body });
    assert.equal(reply.status, 200, `${path}: ${reply.text}`);
  };
  await deploy(here, 'follow', where);
  await put(here, 'triggers/moment', {});
  await put(here, 'packages/common', { parameters: [{ key: 'text', value: 'bound' }] });
  for (const path of ['triggers/moment', 'packages/common', 'actions/follow'])
    await until(`${path} is in the other`, async () => (await ask(there, 'GET', `/api/v1/namespaces/_/${path}`)).status === 200);
  const rule = { trigger: '/_/moment', action: '/_/follow' };
  const binding = { binding: { namespace: '_', name: 'common' } };
  await Promise.all([
    put(here, 'rules/one', rule),
    put(there, 'rules/two', rule),
    put(here, 'packages/bound-one', binding),
    put(there, 'packages/bound-two', binding),
  ]);
  for (const region of [here, there, third]) {
    await until('both rules follow the trigger', async () => {
      const { rules = {} } = (await ask(region, 'GET', '/api/v1/namespaces/_/triggers/moment')).json<{ rules?: object }>();
      return Object.keys(rules).toSorted().join() === 'guest/one,guest/two';
    });
    for (const name of ['bound-one', 'bound-two'])
      await until(`${name} is bound`, async () => (await ask(region, 'GET', `/api/v1/namespaces/_/packages/${name}`)).status === 200);
  }
});

test('with its region killed, Tokyo is served elsewhere at once, a running invoke says so, and Tokyo comes home', async () => {
  const home = 'ap-northeast-1';
  const once = `once-${Date.now()}`;
  await deploy(world.url, once, 'function main(a) { return new Promise((done) => setTimeout(() => done({ slept: true }), a.ms)); }');
  for (const region of regions)
    await until(`it is in ${region}`, async () => (await invoke(world.regionUrl(region), once, { ms: 1 })).status === 200);

  const running = invoke(world.url, once, { ms: 8000 }, { from: callers.tokyo });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  world.isochrone('kill', home);

  const get = await ask(world.url, 'GET', actionPath(once), { from: callers.tokyo });
  assert.equal(get.status, 200);
  assert.notEqual(servedBy(get), home);
  const fresh = await invoke(world.url, once, { ms: 1 }, { from: callers.tokyo });
  assert.equal(fresh.status, 200);
  assert.notEqual(servedBy(fresh), home);

  // Whoever notices first answers: the router that lost the region, or the region that lost its sandbox before it went itself.
  const lost = await running;
  assert.ok([500, 502].includes(lost.status), lost.text);
  assert.match(lost.json<{ error: string }>().error, /may have run/);

  world.isochrone('start', home);
  await until(
    'Tokyo is home again',
    async () => servedBy(await ask(world.url, 'GET', '/api/v1/namespaces', { from: callers.tokyo })) === home,
    60_000,
  );

  const started = await Promise.all(
    regions.map(async (region) =>
      (await ask(world.regionUrl(region), 'GET', `/api/v1/namespaces/_/activations?name=${once}&limit=50`)).json<{ duration?: number }[]>(),
    ),
  );
  assert.equal(started.flat().filter(({ duration = 0 }) => duration >= 8000).length, 0, 'the long run was repeated nowhere');
});

test('what was written while a region was down arrives when it is back', async () => {
  world.isochrone('kill', 'eu-west-1');
  await deploy(world.regionUrl('us-east-1'), 'while-away', where);
  world.isochrone('start', 'eu-west-1');
  await until(
    'it runs there',
    async () => {
      try {
        return (await invoke(world.regionUrl('eu-west-1'), 'while-away')).status === 200;
      } catch {
        return false;
      }
    },
    60_000,
  );
});
