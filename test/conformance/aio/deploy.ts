/** `aio runtime deploy …` */
import assert from 'node:assert/strict';
import { aio, json, names, proves, read, world, write, type Activation, type Entity, type Named } from './session.js';
import { until } from '../../support/world.js';

const manifest = `
project:
  name: shop
  packages:
    shop:
      public: true
      inputs:
        name: package
      actions:
        hello:
          function: hello.js
          runtime: nodejs:20
          limits: { memorySize: 128, timeout: 10000 }
          annotations: { note: mine }
        page:
          function: web.js
          web: true
          runtime: nodejs:20
      sequences:
        both:
          actions: hello, hello
      triggers:
        sold:
          inputs: { name: trigger }
        nightly:
          feed: /whisk.system/alarms/alarm
          inputs: { cron: '0 3 * * *' }
      rules:
        greet-buyer: { trigger: sold, action: hello }
      apis:
        shop-api:
          shop:
            page:
              page: { method: GET, response: http }
`;
const deployment = `
project:
  name: shop
  packages:
    shop:
      actions:
        hello:
          inputs: { name: deployed }
`;

proves('a manifest is deployed with its deployment file, reported, and undeployed', async () => {
  const files = ['--manifest', write('shop.yaml', manifest), '--deployment', write('shop-deployment.yaml', deployment)];
  assert.match(await aio('deploy version'), /aio-cli-plugin-runtime\/\d/);
  const report = await aio('deploy report', ...files);
  for (const name of ['shop', 'hello', 'page', 'both', 'sold', 'nightly']) assert.ok(report.includes(`"name": "${name}"`), name);
  assert.match(await aio('deploy', ...files), /Success: Deployment completed successfully/);

  const shown = await json<Entity & { actions: Named[] }>('package get', 'shop');
  assert.deepEqual([shown.publish, names(shown.actions).toSorted()], [true, ['both', 'hello', 'page']]);
  assert.deepEqual(await json('action invoke', 'shop/both', '--result'), { hello: 'deployed' });
  assert.deepEqual(await (await fetch(`${world.url}/apis/guest/shop/page`)).json(), { path: '/shop/page', raw: false });
  await aio('trigger fire', 'sold');
  const heard = (): Promise<Activation[]> => json<Activation[]>('activation list', 'shop/hello', '--full');
  await until('the rule has run the action', async () =>
    (await heard()).some(({ response }) => (response.result as { hello: string }).hello === 'trigger'),
  );
  assert.match(await aio('deploy undeploy', '--manifest', 'shop.yaml'), /Success: Undeployment completed successfully/);
  assert.deepEqual(Object.values(await json<Record<string, Named[]>>('namespace get', '--json')).flat(), []);
});

proves('a managed project is synchronized, exported, and undeployed by its name', async () => {
  // Export takes a sequence's first parameter for its actions, so the package has none; APIs are not managed.
  const apart = manifest.replace(/ {6}apis:[^]*/, '').replace('      inputs:\n        name: package\n', '');
  await aio('deploy sync', '--manifest', write('managed.yaml', apart));
  const all = async (): Promise<string[]> =>
    Object.values(await json<Record<string, Named[]>>('namespace get', '--json'))
      .flatMap(names)
      .toSorted();
  assert.deepEqual(await all(), ['both', 'greet-buyer', 'hello', 'nightly', 'page', 'shop', 'sold']);
  await aio('deploy sync', '--manifest', write('managed.yaml', apart.replace('memorySize: 128', 'memorySize: 256')));
  assert.equal((await json<{ limits: { memory: number } }>('action get', 'shop/hello')).limits.memory, 256);
  await aio('deploy export', '--projectname', 'shop', '--manifest', 'exported.yaml');
  assert.match(read('exported.yaml'), /runtime: nodejs:20/);
  assert.equal(read('shop/hello.js'), read('hello.js'));
  await aio('rule delete', 'greet-buyer'); // rules are not managed
  await aio('deploy undeploy', '--projectname', 'shop');
  assert.deepEqual(await all(), []);
});
