/** Reads the tree as text: the rules of CONTRIBUTING.md that no compiler checks. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot as root } from './support/project.js';

const folders = ['apps', 'libs', 'test', 'bench', 'docs', 'docker', 'terraform', '.ci'];
const files = [
  ...readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : [])),
  ...folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() && !entry.parentPath.includes('node_modules') && !entry.parentPath.includes('.terraform')
          ? [join(entry.parentPath, entry.name).slice(root.length + 1)]
          : [],
      ),
    ),
];
const sources = files.filter((file) => /^(apps|libs|test|bench)\/.*\.(ts|mjs|js)$/.test(file));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const offenders = (candidates: readonly string[], offends: (text: string, file: string) => boolean) =>
  candidates.filter((file) => offends(read(file), file));

test('the top level holds what a reader looks for', () => {
  for (const name of [
    'package.json',
    'tsconfig.json',
    'nest-cli.json',
    'apps',
    'libs',
    'terraform',
    'docker',
    'test',
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'docs/decisions',
    'bench',
    '.ci/run',
  ]) {
    assert.ok(existsSync(join(root, name)), name);
  }
});

test('the environment is read in main.ts alone', () => {
  const allowed = /(\/main\.ts|\.mjs)$|^(test|bench)\//;
  assert.deepEqual(
    offenders(
      sources.filter((file) => !allowed.test(file)),
      (text) => /process\.env\b(?!\.__OW_)/.test(text),
    ),
    [],
  );
});

test('no file hides a second idea behind 500 lines', () => {
  assert.deepEqual(
    offenders(sources, (text) => text.split('\n').length > 501),
    [],
  );
});

test('every lib has one door', () => {
  for (const lib of readdirSync(join(root, 'libs'))) assert.ok(existsSync(join(root, 'libs', lib, 'src/index.ts')), lib);
});

test('nothing is called utils, helpers, common or manager', () => {
  assert.deepEqual(
    sources.filter((file) => /(^|[/.-])(utils?|helpers?|common|managers?)([/.-]|$)/i.test(file)),
    [],
  );
});

test('lock files carry no download addresses', () => {
  const locks = ['package-lock.json', 'test/conformance/clients/package-lock.json'];
  assert.deepEqual(
    offenders(locks, (text) => /"resolved": *"http/.test(text)),
    [],
  );
});

test('every decision has a status', () => {
  const decisions = files.filter((file) => file.startsWith('docs/decisions/') && file.endsWith('.md'));
  assert.ok(decisions.length > 0);
  assert.deepEqual(
    offenders(decisions, (text) => !/^Status: (accepted|superseded)/m.test(text)),
    [],
  );
});

test('no machine path stands in the tree', () => {
  const own = 'test/tidy.spec.ts';
  const text = files.filter(
    (file) => /\.(ts|mjs|js|cjs|json|md|tf|yml|yaml|sh|xml)$|\.ci\/run$/.test(file) && file !== own && !file.includes('package-lock'),
  );
  assert.deepEqual(
    offenders(text, (content) => /(^|[^\w.])(\/work\/|\/root\/\w|\/home\/\w)|\.\.\/shared/m.test(content)),
    [],
  );
});
