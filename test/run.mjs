/**
 * Runs the tests: `node test/run.mjs [test|prove|bench] [--only text]`. Installs and builds first, provides what the tests need, shows
 * each test as it ends and closes with one line of counts. Files run one after another, each in a process of its own with a time limit.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideRequirements } from './requirements.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [verb = 'test', ...rest] = process.argv.slice(2);
const only = rest[0] === '--only' ? rest[1] : undefined;
const scratch = mkdtempSync(join(tmpdir(), 'isochrone-test-'));
const coverage = join(scratch, 'coverage');
const compatibility = join(scratch, 'compatibility');
const total = { passed: 0, failed: 0, skipped: 0 };
const MINUTE = 60_000;

/** What can be checked without running anything of ours. */
const checks = [
  ['types', 'node', ['node_modules/typescript-native/bin/tsc', '--noEmit']],
  ['lint', 'node_modules/.bin/oxlint', ['--type-aware']],
  ['import direction', 'node_modules/.bin/depcruise', ['--config', '.dependency-cruiser.cjs', 'apps', 'libs']],
  ['format', 'node_modules/.bin/prettier', ['--check', '--log-level', 'warn', '.']],
];

try {
  await main();
} catch (error) {
  console.error(`\n${error.message}`);
  total.failed += 1;
}
rmSync(scratch, { recursive: true, force: true });
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
if (verb !== 'bench') console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 || (verb !== 'bench' && total.passed === 0) ? 1 : 0;

async function main() {
  await must('install and build', process.execPath, ['apps/cli/bootstrap.mjs', 'prepare'], 20 * MINUTE);
  if (verb === 'bench') {
    provideRequirements(say);
    const { code } = await run(process.execPath, ['--enable-source-maps', 'dist/bench/main.js', ...rest], {
      timeoutMs: 60 * MINUTE,
      quiet: true,
    });
    if (code !== 0) throw new Error('the measurements did not end well');
    return;
  }
  provideRequirements(say);
  await must(
    'install the foreign clients',
    process.execPath,
    ['apps/cli/bootstrap.mjs', 'prepare', '--folder', 'test/conformance/clients'],
    10 * MINUTE,
  );
  if (!only) for (const [name, command, args] of checks) await check(name, command, args);
  await testFile('dist/test/unit.js', 5 * MINUTE);
  // Long proofs: their own folder, and the Kafka tests once more, then with every broker line and with long outages.
  const files =
    verb === 'prove'
      ? ['dist/test/integration/kafka.it.js', ...filesOf('dist/test/prove')]
      : ['integration', 'conformance', 'e2e'].flatMap((folder) => filesOf(`dist/test/${folder}`));
  if (files.length === 0) throw new Error('no test file found: was the build complete?');
  for (const file of files) await testFile(file, verb === 'prove' ? 40 * MINUTE : 12 * MINUTE);
  // What the tests before have seen of the API, all of them together.
  if (verb === 'test' && !only) await testFile('dist/test/conformance/coverage.js', 5 * MINUTE);
  // What the tests before have found out about foreign clients, all of them together.
  if (verb === 'test' && (!only || existsSync(compatibility))) await testFile('dist/test/conformance/compatibility.js', 5 * MINUTE);
}

function filesOf(folder) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.it.js'))
    .sort()
    .map((name) => `${folder}/${name}`);
}

async function check(name, command, args) {
  const { code } = await run(command, args, { timeoutMs: 10 * MINUTE });
  total[code === 0 ? 'passed' : 'failed'] += 1;
  console.log(`${code === 0 ? '✓' : '✗'} ${name}`);
}

/** Runs one file of tests and adds its counts; a file that ends badly without a failed test counts as one failure. */
async function testFile(file, timeoutMs) {
  if (only && !file.includes(only)) return;
  say(file.replace('dist/', '').replace(/\.js$/, ''));
  const counts = join(scratch, 'counts.json');
  rmSync(counts, { force: true });
  const args = ['--enable-source-maps', '--test-reporter=./test/reporter.mjs', '--test-reporter-destination=stdout', file];
  const { code, timedOut } = await run(process.execPath, args, {
    timeoutMs,
    env: {
      ISOCHRONE_COUNTS: counts,
      ISOCHRONE_COVERAGE: coverage,
      ISOCHRONE_COMPATIBILITY: compatibility,
      ISOCHRONE_WHOLE: only ? '' : '1',
      ISOCHRONE_PROVE: verb === 'prove' ? '1' : '',
    },
  });
  let found;
  try {
    found = JSON.parse(readFileSync(counts, 'utf8'));
  } catch {
    found = { passed: 0, failed: 0, skipped: 0 };
  }
  const broken = timedOut || (code !== 0 && found.failed === 0) || found.passed + found.failed + found.skipped === 0;
  if (broken)
    console.log(
      `  ✗ ${file} ${timedOut ? `did not end within ${timeoutMs / MINUTE} minutes` : `ended with code ${code} and no failed test`}`,
    );
  total.passed += found.passed;
  total.failed += found.failed + (broken ? 1 : 0);
  total.skipped += found.skipped;
}

async function must(what, command, args, timeoutMs) {
  const { code } = await run(command, args, { timeoutMs });
  if (code !== 0) throw new Error(`could not ${what}`);
}

/** Runs a program in its own process group, which is ended when the time is over. */
function run(command, args, { timeoutMs, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
      detached: true,
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve({ code, timedOut });
    });
  });
}

function say(text) {
  console.log(`\n${text}`);
}
