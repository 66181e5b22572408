import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksController } from './operator-paths.js';

test('what operators ask of a controller is known however it is spelled', () => {
  for (const path of ['/invokers', '/invokers/', '/invokers/ready?a', '/activation/count', '/disable', '/%69nvokers', '/invokers%2fready'])
    assert.ok(asksController(path), path);
  for (const path of ['/', '/api/v1/namespaces/_/activations', '/activations', '/disabled', '/ping', '/%zz', '/api/v1/web/a/b/invokers'])
    assert.ok(!asksController(path), path);
});
