import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTime } from './audit.js';
import { readLimit } from './limits.js';
import { readWskadmin } from './wskadmin-arguments.js';

test('the command line of wskadmin is read as argparse reads it', () => {
  assert.deepEqual(readWskadmin(['user', 'create', 'ann', '-ns', 'lab', '-u', 'a:b', '-f', '--port', '1', '--data', 'd']), {
    call: { command: 'user create', words: ['ann'], values: { namespace: ['lab'], auth: ['a:b'], force: [] } },
    rest: ['--port', '1', '--data', 'd'],
  });
  assert.deepEqual(readWskadmin(['-v', 'limits', 'set', 'ann', '--allowedKinds', 'nodejs:20', 'blackbox', '--firesPerMinute', '2']).call, {
    command: 'limits set',
    words: ['ann'],
    values: { allowedKinds: ['nodejs:20', 'blackbox'], firesPerMinute: ['2'] },
  });
  assert.deepEqual(readWskadmin(['user', 'block', 'ann', '', ' ']).call?.words, ['ann', '', ' ']);
  for (const args of [[], ['user'], ['user', 'create'], ['user', 'create', 'ann', '--nonsense']])
    assert.equal(readWskadmin(args).call, undefined);
});

test('values of limits are read by the limit', () => {
  assert.deepEqual(readLimit('allowedKinds', 'nodejs:20, blackbox'), ['nodejs:20', 'blackbox']);
  assert.deepEqual(
    [readLimit('storeActivations', 'No'), readLimit('maxPayloadSize', '1 MB'), readLimit('firesPerMinute', '0')],
    [false, '1 MB', 0],
  );
  for (const [name, text] of [
    ['storeActivations', 'perhaps'],
    ['firesPerMinute', '-1'],
    ['maxActionMemory', '1.5'],
  ] as const) {
    assert.throws(() => readLimit(name, text), { exitCode: 2 });
  }
});

test('a time is a date or an age', () => {
  assert.deepEqual([readTime('90m', 6_000_000), readTime('7d', 0), readTime('1970-01-01T00:00:01Z', 0)], [600_000, 0, 1000]);
  assert.throws(() => readTime('yesterday', 0), { exitCode: 2 });
});
