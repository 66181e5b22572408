import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { isName, nativeActions } from '#libs/domain';
import { catalog, catalogVersion, sourceOf } from './catalog.js';

const actions = catalog.flatMap((pkg) => pkg.actions.map((action) => ({ path: `${pkg.name}/${action.name}`, action })));

test('whoever changes the catalogue raises its version', () => {
  const whole = JSON.stringify([catalog, actions.map(({ action }) => sourceOf(action))]);
  const digest = createHash('sha256').update(whole).digest('hex').slice(0, 16);
  assert.equal(`${catalogVersion} ${digest}`, '1.0.1 103b7e3c437ee065', 'raise catalogVersion, then note it here with the new digest');
});

test('names are names, every action says what it does, and its code has a main', () => {
  for (const { path, action } of actions) {
    assert.ok(path.split('/').every(isName), path);
    assert.equal(typeof action.annotations['description'], 'string', path);
    assert.equal(runInNewContext(`${sourceOf(action)}; typeof main`), 'function', path);
  }
  assert.ok([...nativeActions].every((path) => actions.some((each) => each.path === path)));
});
