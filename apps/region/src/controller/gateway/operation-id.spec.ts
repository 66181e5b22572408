import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operationId } from './operation-id.js';

test('an operation id is the verb and the words of the path', () => {
  const ids: Readonly<Record<string, string>> = {
    '/world': 'getWorld',
    '/path/with/sub_paths/in/it': 'getPathWithSub_pathsInIt',
    '/api2/greeting2/{name}': 'getApi2Greeting2Name',
    '/MixedCase/a-b.c': 'getMixedcaseA-bC',
    "/~!$&'()*+,;=:@": 'get',
    '/': 'get',
  };
  for (const [path, id] of Object.entries(ids)) assert.equal(operationId('GET', path), id);
});
