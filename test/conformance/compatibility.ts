/** Runs after all conformance tests: what they found out about foreign clients is what docs/compatibility.md says. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { format } from 'prettier';
import { page, readFindings } from '../support/compatibility.js';
import { projectRoot } from '../support/project.js';

const file = join(projectRoot, 'docs/compatibility.md');

/** A page without the version of the one client that is taken from the PATH, whichever it is. */
const unfixed = (text: string): string => text.replace(/^## wsk \S+$/m, '## wsk');

test('the page of compatible clients says what this run found', async () => {
  const findings = readFindings(process.env['ISOCHRONE_COMPATIBILITY'] ?? '');
  assert.ok(findings.length > 0, 'no test has found anything out about a client');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const found = new Set(findings.map(({ client }) => client));
  // A run of everything finds out about every client but `wsk`, which is where its user has put it.
  const told = [...before.matchAll(/^## (.+) \S+$/gm)].map(([, client = '']) => client);
  if (process.env['ISOCHRONE_WHOLE'] === '1')
    assert.deepEqual(
      told.filter((client) => client !== 'wsk' && !found.has(client)),
      [],
      'the page tells of clients that no test drives',
    );
  const now = await format(page(before, findings), { parser: 'markdown', printWidth: 140 });
  if (process.env['ISOCHRONE_WRITE'] === '1') writeFileSync(file, now);
  else
    assert.equal(unfixed(before), unfixed(now), 'docs/compatibility.md is out of date: ISOCHRONE_WRITE=1 npm test -- --only conformance');
});
