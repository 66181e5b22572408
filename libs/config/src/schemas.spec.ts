import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnv } from './read.js';
import { operatorRoutesEnabled, RegionEnv } from './schemas.js';
import { WorldSchema } from './world.js';

const environment = {
  ISOCHRONE_WORLD: 'world.json',
  ISOCHRONE_REGION: 'eu-west-1',
  ISOCHRONE_DATABASE_URL: 'postgres://u:p@127.0.0.1:5432/isochrone',
  ISOCHRONE_BLOBS: 'file:/blobs',
  ISOCHRONE_REGION_KEY: 'region.pem',
  ISOCHRONE_FRAME_TOKEN: 'a-token-of-sixteen',
  ISOCHRONE_ADMIN_TOKEN: 'a-token-of-sixteen',
};

test('a region needs little and has defaults for the rest', () => {
  const config = readEnv(RegionEnv, environment);
  assert.deepEqual(config.ISOCHRONE_ROLES, ['controller', 'kafka', 'invoker']);
  assert.equal(config.ISOCHRONE_LIMITS, 'seed');
  assert.equal(config.ISOCHRONE_PROFILE, 'cluster');
});

test('what operators of OpenWhisk ask is answered in a local world, and elsewhere where that is wanted', () => {
  const enabled = (more: object): boolean => operatorRoutesEnabled(readEnv(RegionEnv, { ...environment, ...more }));
  assert.equal(enabled({}), false);
  assert.equal(enabled({ ISOCHRONE_PROFILE: 'local' }), true);
  assert.equal(enabled({ ISOCHRONE_OPERATOR_ROUTES: 'on' }), true);
  assert.equal(enabled({ ISOCHRONE_PROFILE: 'local', ISOCHRONE_OPERATOR_ROUTES: 'off' }), false);
});

test('every bad variable is named', () => {
  assert.throws(
    () => readEnv(RegionEnv, { ...environment, ISOCHRONE_LIMITS: 'generous', ISOCHRONE_PORT: '70000', ISOCHRONE_ROLES: 'cook' }),
    (error: Error) => ['ISOCHRONE_LIMITS', 'ISOCHRONE_PORT', 'ISOCHRONE_ROLES'].every((name) => error.message.includes(name)),
  );
});

const region = (id: string, code: number) => ({
  id,
  code,
  place: { lat: 1, lon: 2, name: id },
  url: 'http://127.0.0.1:3241',
  replicationUrl: 'https://127.0.0.1:3251',
  publicKey: 'a2V5',
});
const world = {
  name: 'test',
  url: 'http://127.0.0.1:3233',
  defaultRegion: 'us-east-1',
  regions: [region('us-east-1', 1), region('eu-west-1', 2)],
};

test('a world has distinct names and codes, and a default among them', () => {
  assert.ok(WorldSchema.safeParse(world).success);
  assert.ok(!WorldSchema.safeParse({ ...world, defaultRegion: 'mars-1' }).success);
  assert.ok(!WorldSchema.safeParse({ ...world, regions: [region('us-east-1', 1), region('us-east-1', 2)] }).success);
  assert.ok(!WorldSchema.safeParse({ ...world, regions: [region('us-east-1', 1), region('eu-west-1', 1)] }).success);
});

test('a region code is 1 to 255', () => {
  for (const [code, fits] of [
    [0, false],
    [1, true],
    [255, true],
    [256, false],
  ] as const) {
    assert.equal(WorldSchema.safeParse({ ...world, regions: [region('us-east-1', code)] }).success, fits, String(code));
  }
});
