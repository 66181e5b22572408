/** Adobe's unmodified runtime plugin for `aio`, driven as `aio rt …` does. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project.js';
import { guestKey } from './world.js';

const clients = join(projectRoot, 'test/conformance/clients');

/** The plugin is a whole command set; this is all of `aio` that it needs. */
const runner = `
const plugin = require.resolve('@adobe/aio-cli-plugin-runtime/package.json', { paths: [process.env.CLIENTS] });
const { run, flush, handle } = require(require.resolve('@oclif/core', { paths: [process.env.CLIENTS] }));
run(process.argv.slice(1), require('node:path').dirname(plugin)).then(flush).catch(handle);
`;

/** Where and how `aio` runs. */
export interface AioOptions {
  readonly url: string;
  /** Its home and configuration. */
  readonly home: string;
  /** Its working folder, where a manifest may stand. */
  readonly cwd?: string;
  /** A token to deploy through the deploy service with; without one the key does everything. */
  readonly token?: string;
  readonly fails?: boolean;
}

/** Runs a command and returns what it printed, on both streams where it is to fail. */
export async function aio({ url, home, cwd = home, token, fails = false }: AioOptions, ...args: readonly string[]): Promise<string> {
  if (token !== undefined) writeToken(home, token);
  const child = spawn(process.execPath, ['-e', runner, '--', ...args], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      CLIENTS: clients,
      HOME: home,
      XDG_CONFIG_HOME: home,
      AIO_RUNTIME_APIHOST: url,
      AIO_RUNTIME_AUTH: guestKey,
      AIO_RUNTIME_NAMESPACE: 'guest',
      ...(token === undefined ? { USE_RUNTIME_AUTH: '1' } : { AIO_DEPLOY_SERVICE_URL: url }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (printed.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed.err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  assert.equal(status !== 0, fails, `aio ${args.join(' ')} ended with ${status}: ${printed.err}${printed.out}`);
  return fails ? printed.out + printed.err : printed.out;
}

/** Logs `aio` in with a token, as its own login would. */
function writeToken(home: string, token: string): void {
  mkdirSync(home, { recursive: true });
  const cli = { access_token: { token, expiry: 4_102_444_800_000 }, env: 'prod', 'cli.bare-output': true };
  writeFileSync(join(home, 'aio'), JSON.stringify({ ims: { contexts: { cli } } }));
}
