import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactText, parseExact, type ExactObject } from '#libs/http';
import { actionPut, apiPut, nameIn, packagePut, rulePut, sameEntity, type Translation } from './translate.js';

const translation: Translation = { from: 'old', to: 'new', kinds: new Map([['nodejs:18', 'nodejs:20']]) };
const entity = (more: ExactObject): ExactObject => ({ namespace: 'old', name: 'e', version: '0.0.7', publish: false, ...more });

test('an action keeps its code, numbers to the digit, and loses what the server writes and its package gives', () => {
  const action = entity({
    exec: { kind: 'nodejs:18', code: 'x', binary: false },
    annotations: [
      { key: 'exec', value: 'nodejs:18' },
      { key: 'web-export', value: true },
    ],
    parameters: parseExact('[{"key":"big","value":12345678901234567890},{"key":"from package","value":1}]'),
    limits: { timeout: 60_000 },
  });
  const put = actionPut(action, translation, { parameters: [{ key: 'from package', value: 1 }] });
  assert.equal(
    exactText(put),
    '{"version":"0.0.7","publish":false,"annotations":[{"key":"web-export","value":true}],"exec":{"kind":"nodejs:20","code":"x"},' +
      '"parameters":[{"key":"big","value":12345678901234567890}],"limits":{"timeout":60000}}',
  );
});

test('a parameter that differs from its package’s is the action’s own', () => {
  const action = entity({ exec: { kind: 'nodejs:20', code: 'x' }, parameters: [{ key: 'a', value: 2 }] });
  assert.deepEqual(actionPut(action, translation, { parameters: [{ key: 'a', value: 1 }] })['parameters'], [{ key: 'a', value: 2 }]);
});

test('names of the old namespace become names of the new one, others stay', () => {
  const exec = { kind: 'sequence', components: ['/old/a', '/old/p/b', '/whisk.system/utils/echo', '/_/c'] };
  assert.deepEqual(actionPut(entity({ exec }), translation)['exec'], {
    kind: 'sequence',
    components: ['/new/a', '/new/p/b', '/whisk.system/utils/echo', '/new/c'],
  });
  const rule = rulePut(entity({ trigger: { path: 'old', name: 't' }, action: { path: 'old/p', name: 'b' } }), translation);
  assert.deepEqual([rule['trigger'], rule['action']], ['/new/t', '/new/p/b']);
  const binding = packagePut(entity({ binding: { namespace: 'old', name: 'p' }, parameters: [] }), translation);
  assert.deepEqual(binding['binding'], { namespace: 'new', name: 'p' });
});

test('an API points to the new host and namespace', () => {
  const document = {
    basePath: '/old',
    paths: { '/x': { get: { 'x-openwhisk': { namespace: 'old', url: 'https://old.example/api/v1/web/old/p/b.http' } } } },
  };
  assert.deepEqual(apiPut(document, translation, { from: 'https://old.example', to: 'http://new.example' }), {
    basePath: '/old',
    paths: { '/x': { get: { 'x-openwhisk': { namespace: 'new', url: 'http://new.example/api/v1/web/new/p/b.http' } } } },
  });
});

test('two bodies are the same whatever the order of members and keys, and differ by a digit', () => {
  const a = {
    version: '1',
    parameters: [
      { key: 'a', value: 1 },
      { key: 'b', value: [2, 1] },
    ],
  };
  assert.ok(
    sameEntity(a, {
      parameters: [
        { value: [2, 1], key: 'b' },
        { key: 'a', value: 1 },
      ],
      version: '1',
    }),
  );
  assert.ok(
    !sameEntity(a, {
      ...a,
      parameters: [
        { key: 'a', value: 1 },
        { key: 'b', value: [1, 2] },
      ],
    }),
  );
});

test('a packaged action is named with its package', () => {
  assert.equal(nameIn({ namespace: 'old/p', name: 'b' }), 'p/b');
  assert.equal(nameIn({ namespace: 'old', name: 'b' }), 'b');
});
