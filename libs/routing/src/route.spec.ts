import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegionId } from '#libs/domain';
import fc from 'fast-check';
import { distanceKm } from './distance.js';
import { regionPlaces } from './places.js';
import { route, usablePlace, type RegionView, type RoutingFacts, type Whereabouts } from './route.js';

const id = (name: string): RegionId => name as RegionId;
const tokyo: Whereabouts = { lat: 35.69, lon: 139.75, radiusKm: 100, city: 'Tokyo' };
const frankfurt: Whereabouts = { lat: 50.12, lon: 8.68, radiusKm: 100, city: 'Frankfurt am Main' };

function aRegion(name: string, healthy = true): RegionView {
  const place = regionPlaces[name];
  if (!place) throw new Error(name);
  return { id: id(name), place, healthy };
}

function facts(change: Partial<RoutingFacts> = {}): RoutingFacts {
  const regions = [aRegion('us-east-1'), aRegion('eu-west-1'), aRegion('ap-northeast-1')];
  return { regions, defaultRegion: id('us-east-1'), caller: tokyo, ...change };
}

test('distances of known cities are right within one percent', () => {
  const km = distanceKm({ lat: 40.71, lon: -74.01 }, { lat: 51.51, lon: -0.13 });
  assert.ok(Math.abs(km - 5570) < 56, String(km));
  assert.equal(distanceKm(tokyo, tokyo), 0);
  assert.ok(Math.abs(distanceKm({ lat: 0, lon: 179 }, { lat: 0, lon: -179 }) - 222.4) < 1);
});

test('the nearest healthy region serves and the others stand by in order of distance', () => {
  const decision = route(facts());
  assert.deepEqual(decision.order, ['ap-northeast-1', 'eu-west-1', 'us-east-1']);
  assert.deepEqual(decision.because, { kind: 'nearest', region: 'ap-northeast-1', km: 6, passedOver: [] });
  assert.equal(route(facts({ caller: frankfurt })).order[0], 'eu-west-1');
});

test('a nearer region that is down is passed over and named', () => {
  const regions = [aRegion('us-east-1'), aRegion('eu-west-1'), aRegion('ap-northeast-1', false)];
  const { order, because } = route(facts({ regions }));
  assert.deepEqual(order, ['eu-west-1', 'us-east-1']);
  assert.equal(because.kind, 'nearest');
  assert.deepEqual('passedOver' in because && because.passedOver, ['ap-northeast-1']);
});

test('one healthy region of several is chosen as the only healthy one, none as no healthy region', () => {
  const one = route(facts({ regions: [aRegion('us-east-1'), aRegion('eu-west-1', false), aRegion('ap-northeast-1', false)] }));
  assert.deepEqual(one.order, ['us-east-1']);
  assert.deepEqual(one.because, { kind: 'only-healthy', region: 'us-east-1', passedOver: ['ap-northeast-1', 'eu-west-1'] });
  const none = route(facts({ regions: [aRegion('us-east-1', false)] }));
  assert.deepEqual(none, { order: [], because: { kind: 'no-healthy-region' } });
});

test('a caller without a usable place goes to the default region, then outward from it', () => {
  const order = ['us-east-1', 'eu-west-1', 'ap-northeast-1'];
  const cases: [Whereabouts | null, string][] = [
    [null, 'unknown-address'],
    [{ lat: 0, lon: 0, radiusKm: 5, city: '' }, 'null-island'],
    [{ lat: 37.751, lon: -97.822, radiusKm: 1000, city: '' }, 'country-only'],
    [{ lat: NaN, lon: 1, radiusKm: 1, city: 'x' }, 'unknown-address'],
  ];
  for (const [caller, why] of cases) {
    assert.deepEqual(route(facts({ caller })), { order, because: { kind: 'default', region: 'us-east-1', caller: why, passedOver: [] } });
  }
  assert.equal(route(facts({ caller: null, defaultRegion: id('ap-northeast-1') })).order[0], 'ap-northeast-1');
});

test('a city with a wide radius is a place, for a country alone is not', () => {
  assert.equal(route(facts({ caller: { ...frankfurt, radiusKm: 1000 } })).order[0], 'eu-west-1');
  assert.equal(usablePlace({ ...frankfurt, radiusKm: 1000, city: '' }), 'country-only');
  assert.deepEqual(usablePlace({ ...frankfurt, radiusKm: 200, city: '' }), { lat: 50.12, lon: 8.68 });
});

test('a healthy pin comes first, an unhealthy one is ignored', () => {
  const pinned = route(facts({ pin: id('us-east-1') }));
  assert.deepEqual(pinned.order, ['us-east-1', 'ap-northeast-1', 'eu-west-1']);
  assert.deepEqual(pinned.because, { kind: 'pinned', region: 'us-east-1' });
  const regions = [aRegion('us-east-1', false), aRegion('eu-west-1'), aRegion('ap-northeast-1')];
  assert.equal(route(facts({ regions, pin: id('us-east-1') })).because.kind, 'nearest');
});

test('the owner alone is asked, even while it looks down', () => {
  const regions = [aRegion('us-east-1'), aRegion('eu-west-1', false)];
  const decision = route(facts({ regions, owner: id('eu-west-1'), pin: id('us-east-1') }));
  assert.deepEqual(decision, { order: ['eu-west-1'], because: { kind: 'owner', region: 'eu-west-1' } });
});

test('ties go to the lesser id, whatever the order of the list', () => {
  const place = { lat: 10, lon: 10 };
  const regions = ['b-1', 'a-1', 'c-1'].map((name) => ({ id: id(name), place, healthy: true }));
  assert.deepEqual(route({ regions, defaultRegion: id('c-1'), caller: tokyo }).order, ['a-1', 'b-1', 'c-1']);
});

const point = fc.record({ lat: fc.double({ min: -90, max: 90, noNaN: true }), lon: fc.double({ min: -180, max: 180, noNaN: true }) });
const names = Object.keys(regionPlaces);
const someFacts = fc
  .record({
    chosen: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 6 }),
    healthy: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    caller: fc.option(point),
    pin: fc.option(fc.constantFrom(...names)),
  })
  .map(({ chosen, healthy, caller, pin }) => ({
    regions: chosen.map((name, i) => aRegion(name, healthy[i] ?? true)),
    defaultRegion: id(chosen[0] ?? ''),
    caller: caller && { ...caller, radiusKm: 10, city: 'x' },
    pin: pin === null ? undefined : id(pin),
  }));

test('every healthy region is in the order once, no other is, and the list of regions may come in any order', () => {
  fc.assert(
    fc.property(someFacts, (f) => {
      const decision = route(f);
      const healthy = f.regions.filter((r) => r.healthy).map((r) => r.id);
      assert.deepEqual([...decision.order].toSorted(), healthy.toSorted());
      assert.deepEqual(route({ ...f, regions: f.regions.toReversed() }), decision);
    }),
  );
});

test('distance is symmetric, never negative and at most half the circumference', () => {
  fc.assert(
    fc.property(point, point, (a, b) => {
      const km = distanceKm(a, b);
      assert.ok(km >= 0 && km <= 20_016);
      assert.ok(Math.abs(km - distanceKm(b, a)) < 1e-6);
    }),
  );
});
