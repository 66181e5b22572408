/** Schemathesis, a fuzzer from PyPI that works from an OpenAPI document, against a server of ours. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './client.js';
import { projectRoot } from './project.js';
import { guestKey } from './world.js';

const release = 'schemathesis==4.32.5';
const installMs = 600_000;

/** What answers are not held to: it is the contract's affair which inputs are refused, and in which order what is wrong with them is told. */
const unchecked = [
  'negative_data_rejection',
  'positive_data_acceptance',
  'missing_required_header',
  'unsupported_method',
  'allow_header_conformance',
  'use_after_free',
  'ensure_resource_availability',
  'object_level_authorization',
];

/**
 * Names that stand for something, so that requests get beyond the 404. An action's failure is a 502 and a wait that is over a 504 by
 * contract; what web actions answer is theirs; and a controller that was disabled would answer nothing more. Methods that are none are 501.
 */
const settings = `
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501]
${unchecked.map((check) => `${check}.enabled = false`).join('\n')}

[parameters]
"path.namespace" = "_"
"path.actionName" = "a"
"path.packageName" = "p"
"path.triggerName" = "t"
"path.ruleName" = "r"

[[operations]]
include-operation-id = ["invokeAction", "invokePackagedAction"]
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501, 502, 504]

[[operations]]
include-path-regex = "^/api/v1/web/"
parameters = { "path.namespace" = "guest", "path.packageName" = "default" }
checks.not_a_server_error.enabled = false
checks.content_type_conformance.enabled = false

[[operations]]
include-operation-id = "disableController"
enabled = false
`;

/** How long to fuzz. */
export interface Fuzzing {
  /** Requests made up for each operation, beside those at the edges of its schemas. */
  readonly examples: number;
  readonly seed: number;
  readonly timeoutMs: number;
}

/** Fuzzes a world of which nothing is kept: first everything but deletion, then deletion. Returns what went wrong, in the fuzzer's words. */
export async function fuzz(base: string, fuzzing: Fuzzing): Promise<string[]> {
  const program = findSchemathesis();
  const folder = mkdtempSync(join(tmpdir(), 'isochrone-fuzz-'));
  writeFileSync(join(folder, 'schemathesis.toml'), settings);
  try {
    const wrong: string[] = [];
    for (const methods of [
      ['--exclude-method', 'DELETE'],
      ['--include-method', 'DELETE'],
    ]) {
      await furnish(base);
      const told = await run(program, folder, base, methods, fuzzing);
      if (told !== undefined) wrong.push(told);
    }
    return wrong;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Creates what the names stand for. */
async function furnish(base: string): Promise<void> {
  const action = { exec: { kind: 'nodejs:default', code: 'function main(args) { return args; }' } };
  for (const [path, body] of [
    ['packages/p', { binding: {} }],
    ['actions/a', { ...action, annotations: [{ key: 'web-export', value: true }] }],
    ['actions/p/a', action],
    ['triggers/t', {}],
    ['rules/r', { trigger: '/_/t', action: '/_/a' }],
  ] as const) {
    const { status, text } = await ask(base, 'PUT', `/api/v1/namespaces/_/${path}?overwrite=true`, { body });
    if (status !== 200) throw new Error(`PUT ${path}: ${status} ${text}`);
  }
}

function run(program: string, cwd: string, base: string, methods: readonly string[], fuzzing: Fuzzing): Promise<string | undefined> {
  const { examples, seed, timeoutMs } = fuzzing;
  const numbers = ['--max-examples', String(examples), '--seed', String(seed), '--request-timeout', '75'];
  const phases = ['--phases', 'examples,coverage,fuzzing', '--warnings', 'off'];
  const args = ['--no-color', 'run', `${base}/api-docs`, '--auth', guestKey, ...numbers, ...phases, ...methods];
  return new Promise((resolve) => {
    execFile(program, args, { cwd, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve(error ? `seed ${seed}, ended with ${error.code ?? error.signal}:\n${stdout}${stderr}` : undefined),
    );
  });
}

/** The program, installed once for this tree. Throws with the commands to type where that fails. */
function findSchemathesis(): string {
  const venv = join(projectRoot, '.cache', 'schemathesis');
  const file = join(venv, 'bin', 'schemathesis');
  const pip = join(venv, 'bin', 'pip');
  const steps = [
    ['python3', '-m', 'venv', venv],
    [pip, 'install', '--quiet', release],
  ] as const;
  if (existsSync(file)) return file;
  const done = steps.every(([command, ...args]) => spawnSync(command, args, { stdio: 'ignore', timeout: installMs }).status === 0);
  if (!done || !existsSync(file))
    throw new Error(`the fuzzer is missing; install it with: python3 -m venv ${venv} && ${pip} install ${release}`);
  return file;
}
