import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { logLine, RunLog, wholeCharacters } from './run-log.js';

const at = { ms: Date.UTC(2026, 0, 2, 3, 4, 5, 6), ns: 789 };
const stamp = '2026-01-02T03:04:05.006000789Z';
const texts = (log: RunLog): string[] => log.close().lines.map((line) => line.slice(31));

test('a timestamp fills thirty columns', () => {
  assert.equal(stamp.length, 30);
  assert.equal(logLine(at, 'stdout', '  hi '), `${stamp} stdout:   hi `);
});

test('lines survive any cutting of the stream', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.integer({ min: 1, max: 9 }), (pieces, step) => {
      const lines = pieces.flatMap((piece) => piece.split('\n'));
      const log = new RunLog(1_000_000);
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      for (let start = 0; start < bytes.length; start += step) log.add('stderr', at, bytes.subarray(start, start + step));
      assert.deepEqual(
        texts(log),
        lines.map((line) => `stderr: ${line}`),
      );
    }),
  );
});

test('an unfinished last line is kept, a NUL is a character like others, the streams do not mix', () => {
  const log = new RunLog(1000);
  log.add('stdout', at, Buffer.from('a\0b'));
  log.add('stderr', at, Buffer.from('error\n'));
  log.add('stdout', at, Buffer.from('c'));
  assert.deepEqual(texts(log), ['stderr: error', 'stdout: a\0bc']);
});

test('the limit cuts between characters and says so', () => {
  const log = new RunLog(20);
  assert.equal(log.add('stdout', at, Buffer.from('fifteen letters\n')), 0);
  log.add('stdout', at, Buffer.from('ab☃☃\n'));
  const { lines, truncated } = log.close();
  assert.deepEqual([lines.map((line) => line.slice(39)), truncated], [['fifteen letters', 'ab'], true]);
});

test('what fits exactly is not cut', () => {
  const log = new RunLog(32);
  log.add('stdout', at, Buffer.from('123456789abcdef\n123456789abcdef\n'));
  assert.equal(log.close().truncated, false);
});

test('empty lines are bounded by the limit too', () => {
  const log = new RunLog(160);
  log.add('stdout', at, Buffer.alloc(1000, '\n'));
  const { lines, truncated } = log.close();
  assert.deepEqual([lines.length, truncated], [10, true]);
});

test('a limit of nothing keeps nothing and calls nothing cut', () => {
  const log = new RunLog(0);
  assert.equal(log.add('stdout', at, Buffer.from('x\n')), 2);
  assert.deepEqual(log.close(), { lines: [], truncated: false });
});

test('a cut character at the end is left out, a whole one stays', () => {
  for (const text of ['é', '☃', '😀']) {
    const bytes = Buffer.from(`a${text}`);
    assert.equal(wholeCharacters(bytes).toString(), `a${text}`);
    for (let end = 2; end < bytes.length; end++) assert.equal(wholeCharacters(bytes.subarray(0, end)).toString(), 'a');
  }
});
