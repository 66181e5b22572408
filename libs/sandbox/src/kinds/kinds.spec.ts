import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeKinds } from '#libs/domain';
import { npmEnvironment } from './node-store.js';
import { nodePackageOf, nodePackages } from './pins.js';
import { findPython } from './python.js';

test('every kind that is brought is pinned by version and checksum on every platform', () => {
  assert.deepEqual(['nodejs:20', ...Object.keys(nodePackages)], [...nodeKinds]);
  for (const [kind, byPlatform] of Object.entries(nodePackages)) {
    for (const [platform, { name, version, integrity }] of Object.entries(byPlatform)) {
      assert.ok(version.startsWith(`${kind.split(':')[1]}.`), name);
      assert.ok(name.startsWith('node-') && name.endsWith(platform), name);
      assert.equal(Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').length, 64, name);
    }
  }
  assert.equal(nodePackageOf('nodejs:22', 'linux-riscv64'), undefined);
  assert.equal(nodePackageOf('nodejs:20', 'linux-x64'), undefined);
  assert.equal(nodePackageOf('constructor', 'linux-x64'), undefined);
});

test('npm sees where its registry is, and no secret of ours', () => {
  const env = {
    PATH: '/bin',
    HTTPS_PROXY: 'p',
    no_proxy: 'n',
    npm_config_registry: 'r',
    ISOCHRONE_FRAME_TOKEN: 'secret',
    SHELL: 's',
    HOME: undefined,
  };
  assert.deepEqual(npmEnvironment(env), { PATH: '/bin', HTTPS_PROXY: 'p', no_proxy: 'n', npm_config_registry: 'r' });
});

test('a machine without Python says so', () => {
  assert.deepEqual(findPython('/nowhere'), { missing: 'Python 3 is not installed' });
});
