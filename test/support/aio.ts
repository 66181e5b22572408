/** Adobe's unmodified runtime plugin for `aio`: its commands, run as `aio runtime …` runs them. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Asked, Ran } from './aio-process.js';
import { projectRoot } from './project.js';
import { guestKey } from './world.js';

const plugin = join(projectRoot, 'test/conformance/clients/node_modules/@adobe/aio-cli-plugin-runtime/package.json');

/** The plugin's version. */
export const pluginVersion = (JSON.parse(readFileSync(plugin, 'utf8')) as { version: string }).version;

/** A plugin that namespace `guest` of a host uses. */
export class Aio {
  private constructor(private readonly child: ChildProcess) {}

  /** Loads the plugin; `home` is both its user's home and where that user stands. */
  static start(host: string, home: string): Aio {
    const child = fork(fileURLToPath(new URL('aio-process.js', import.meta.url)), {
      cwd: home,
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        XDG_CONFIG_HOME: home,
        AIO_RUNTIME_APIHOST: host,
        AIO_RUNTIME_AUTH: guestKey,
        AIO_RUNTIME_NAMESPACE: 'guest',
        USE_RUNTIME_AUTH: '1', // else the plugin asks Adobe's own login for a token before it writes anything
      },
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    });
    return new Aio(child);
  }

  /** Every command that the plugin has, as its users write it (`runtime action create`), without other names for the same. */
  async commands(): Promise<string[]> {
    const { out } = await this.ask({});
    return (JSON.parse(out) as string[]).map((id) => id.replaceAll(':', ' '));
  }

  /** Runs `aio` with these words and gives what it printed; throws when it ends with an error. */
  async run(...args: string[]): Promise<string> {
    const { out, error } = await this.ask({ args });
    if (error !== undefined) throw new Error(`aio ${args.join(' ')}: ${error}\n${out}`);
    return out;
  }

  /** Presses keys. */
  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  private async ask(asked: Asked): Promise<Ran> {
    const signal = AbortSignal.timeout(60_000);
    const answer = once(this.child, 'message', { signal });
    this.child.send(asked);
    const [ran] = (await answer) as [Ran];
    return ran;
  }
}
