import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initEnvironment, runEnvironment } from './environment.js';
import { anOrder } from './order.fixture.js';

const here = { region: 'eu-west-1', cloud: 'aws', apiHost: 'http://router' };

test('a run sees who it is and where', () => {
  assert.deepEqual(runEnvironment(anOrder(), 61_000, here), {
    __OW_API_HOST: 'http://router',
    __OW_NAMESPACE: 'guest',
    __OW_ACTION_NAME: '/guest/p/hello',
    __OW_ACTION_VERSION: '0.0.1',
    __OW_ACTIVATION_ID: '01'.padEnd(32, '0'),
    __OW_TRANSACTION_ID: 'tid',
    __OW_DEADLINE: '61000',
    __OW_REGION: 'eu-west-1',
    __OW_CLOUD: 'aws',
  });
});

test('the key is there only where the order carries one, and concurrency only where it is allowed', () => {
  const env = runEnvironment(anOrder({ secret: { apiKey: 'u:k', env: {} } }, { concurrency: 2 }), 0, here);
  assert.equal(env['__OW_API_KEY'], 'u:k');
  assert.equal(env['__OW_ALLOW_CONCURRENT'], 'true');
});

test('init parameters are in the environment of the init alone and never hide ours', () => {
  const order = anOrder({ secret: { env: { SECRET: 's', __OW_REGION: 'mine' } } });
  assert.equal(initEnvironment(order, 0, here)['SECRET'], 's');
  assert.equal(initEnvironment(order, 0, here)['__OW_REGION'], 'eu-west-1');
  assert.equal('SECRET' in runEnvironment(order, 0, here), false);
});
