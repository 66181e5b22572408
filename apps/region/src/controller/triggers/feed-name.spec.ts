import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJsonText } from '#libs/domain';
import { isFeedName } from './feed-name.js';

test('a feed is named by the path of an entity', () => {
  assert.deepEqual(
    ['/whisk.system/alarms/alarm', 'p/f', 'f'].map((name) => isFeedName(toJsonText(name))),
    [true, true, true],
  );
  assert.deepEqual(
    [true, 1, '', '/', 'a//b', '!'].map((name) => isFeedName(toJsonText(name))),
    Array(6).fill(false),
  );
});
