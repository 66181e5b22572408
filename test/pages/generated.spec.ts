import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generatedPages } from './generated.js';

test('pages written from tables say what the tables say', async () => {
  for (const { file, text } of await generatedPages())
    assert.equal(readFileSync(file, 'utf8'), text, `${file} is out of date: npm run docs`);
});
