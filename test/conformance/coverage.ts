/**
 * Runs after all other tests: every operation of the API must have been seen to succeed, to refuse a stranger and to refuse bad input by the
 * tests that hold answers against the document. What cannot be seen stands with its reason in test/support/contract/exempt.ts.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Coverage } from '../support/contract/contract.js';
import { gaps } from '../support/contract/gaps.js';

test('every operation was seen to succeed, to refuse strangers and to refuse bad input', () => {
  const folder = process.env['ISOCHRONE_COVERAGE'] ?? '';
  assert.notEqual(folder, '', 'ISOCHRONE_COVERAGE names the folder where the tests before left what they saw');
  const coverages = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Coverage);
  assert.ok(coverages.length > 0, 'no test before this one has held answers against the document');
  assert.deepEqual(gaps(coverages), []);
});
