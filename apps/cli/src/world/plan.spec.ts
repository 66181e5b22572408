import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplicationEnv, RegionEnv, RouterEnv, SpawnerEnv, WorldSchema, readEnv } from '#libs/config';
import { DataFolder } from './folder.js';
import { checkRegions, describeWorld } from './geography.js';
import { planWorld, type PlanInput } from './plan.js';
import { newSettings, withCodes } from './settings.js';

const regions = ['us-east-1', 'eu-west-1'];

function anInput(more: Partial<PlanInput> = {}): PlanInput {
  const settings = {
    ...newSettings(1_700_000_000_000),
    port: 4000,
    regions,
    codes: withCodes({}, regions),
    ports: { 'us-east-1.replication': 5001, 'eu-west-1.replication': 5002 },
    frameTokens: Object.fromEntries(regions.map((id) => [id, 'a-token-of-sixteen'])),
  };
  const databases = Object.fromEntries(regions.map((id) => [id, `postgres://isochrone@127.0.0.1:5432/${id}`]));
  const world = describeWorld(settings, Object.fromEntries(regions.map((id) => [id, 'a2V5'])));
  const folder = new DataFolder('/');
  return {
    folder,
    settings,
    world,
    limits: 'seed',
    queue: { kind: 'postgres' },
    databases,
    base: { PATH: '/bin' },
    kinds: ['nodejs:20'],
    npm: {},
    ...more,
  };
}

test('the environment of every process fits the schema its app reads', () => {
  const schemas = { router: RouterEnv, region: RegionEnv, replication: ReplicationEnv, spawner: SpawnerEnv };
  const planned = planWorld(anInput());
  for (const { name, app, env } of planned) assert.doesNotThrow(() => readEnv(schemas[app], env), name);
  assert.equal(planned.length, 1 + 4 * regions.length);
});

test('regions listen on the eight-and-more ports above the router, in their order', () => {
  const { world } = anInput();
  assert.deepEqual(
    world.regions.map(({ url }) => url),
    ['http://127.0.0.1:4008', 'http://127.0.0.1:4009'],
  );
  const ports = planWorld(anInput()).flatMap(({ role, env }) => (role === 'controller' ? [env['ISOCHRONE_PORT']] : []));
  assert.deepEqual(ports, ['4008', '4009']);
});

test('the described world fits the schema of world.json', () => {
  assert.ok(WorldSchema.safeParse(JSON.parse(JSON.stringify(anInput().world))).success);
});

test('with Kafka every region has its own brokers and a prefix of its own', () => {
  const queue = { kind: 'kafka', brokers: { 'us-east-1': ['127.0.0.1:1'], 'eu-west-1': ['127.0.0.1:2'] } } as const;
  const controllers = planWorld(anInput({ queue })).filter(({ role }) => role === 'controller');
  const configs = controllers.map(({ env }) => readEnv(RegionEnv, env));
  assert.deepEqual(
    configs.map((config) => config.ISOCHRONE_KAFKA_BROKERS),
    [['127.0.0.1:1'], ['127.0.0.1:2']],
  );
  assert.notEqual(configs[0]?.ISOCHRONE_KAFKA_PREFIX, configs[1]?.ISOCHRONE_KAFKA_PREFIX);
});

test('secrets of one region are not given to another', () => {
  const { settings } = anInput();
  const input = anInput({
    settings: { ...settings, frameTokens: { 'us-east-1': 'token-of-us-east-1', 'eu-west-1': 'token-of-eu-west-1' } },
  });
  for (const { region, env } of planWorld(input)) {
    if (env['ISOCHRONE_FRAME_TOKEN'] !== undefined) assert.equal(env['ISOCHRONE_FRAME_TOKEN'], `token-of-${region ?? ''}`);
  }
});

test('a code is given once and never again', () => {
  const first = withCodes({}, ['us-east-1', 'eu-west-1', 'ap-northeast-1']);
  assert.deepEqual(first, { 'us-east-1': 1, 'eu-west-1': 2, 'ap-northeast-1': 3 });
  const later = withCodes(first, ['sa-east-1', 'eu-west-1']);
  assert.deepEqual(later, { ...first, 'sa-east-1': 4 });
});

test('regions that nobody knows, that repeat, or that are none are refused in one line', () => {
  assert.throws(() => checkRegions(['mars-1']), /no region 'mars-1'; known are .*eu-west-1/);
  assert.throws(() => checkRegions(['toString']), /no region 'toString'/);
  assert.throws(() => checkRegions(['eu-west-1', 'eu-west-1']), /named twice/);
  assert.throws(() => checkRegions([]), /at least one region/);
});
