import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pasteLines } from './paste.js';

test('each is one line that a shell takes as it stands', () => {
  const lines = pasteLines('http://127.0.0.1:4000', ['--data', "/tmp/it's here"]);
  for (const line of [lines.create, lines.invoke, lines.try]) assert.ok(!line.includes('\n'));
  assert.ok(lines.try.endsWith(`-- try --data '/tmp/it'\\''s here'`));
});

test('the standard world needs no options', () => {
  assert.equal(pasteLines('http://127.0.0.1:3233', []).try, 'npm run -s isochrone -- try');
});
