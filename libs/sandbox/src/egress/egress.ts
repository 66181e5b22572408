import { fork, type ChildProcess } from 'node:child_process';
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '#libs/telemetry';
import { egressName } from '../spawner/protocol.js';
import type { EgressOrder } from './messages.js';
import { Names } from './names.js';
import { EgressPolicy, type EgressRules } from './policy.js';

/** What an operator sets about the network of sandboxes. */
export interface EgressOptions {
  readonly rules: EgressRules;
  /** Asked for tenants' names instead of the machine's, where there are any: `address` or `address:port`. */
  readonly nameServers: readonly string[];
  readonly logLevel: 'error' | 'warn' | 'log' | 'debug';
}

/** Throws naming the first setting that cannot be read. */
export function checkEgress({ rules, nameServers }: EgressOptions): void {
  EgressPolicy.from(rules);
  for (const server of nameServers) {
    try {
      void new Names([server]);
    } catch (cause) {
      throw new Error(`'${server}' is no address of a name server, with or without a port`, { cause });
    }
  }
}

interface Served {
  readonly folder: string;
  who: { readonly namespace: string; readonly action: string } | undefined;
}

const program = fileURLToPath(new URL('main.js', import.meta.url));
const restartMs = 500;
const endMs = 2000;

/**
 * The gateway as the driver has it: a process of its own, so that what sandboxes send and receive takes no time from the invoker, and a flaw in it
 * gives away nothing of the invoker. It cannot reach the slots' folders: listeners are made here and handed over. When it dies another follows,
 * and sandboxes that live go on with that.
 */
export class Egress {
  private readonly sandboxes = new Map<string, Served>();
  private child: ChildProcess | undefined;
  /** Resolves when the gateway takes listeners, or has ended. */
  private ready: Promise<unknown> = Promise.resolve();
  private closing = false;

  private constructor(
    private readonly options: EgressOptions & { readonly name: string },
    private readonly logger: Logger,
  ) {}

  /** Starts the gateway. Throws where the options cannot be read. */
  static start(options: EgressOptions & { readonly name: string }, logger: Logger): Egress {
    checkEgress(options);
    const egress = new Egress(options, logger);
    egress.begin();
    return egress;
  }

  /** Opens a sandbox's way out, a socket in its folder. Never rejects: without it the sandbox has no network, and the log says why. */
  async open(id: string, folder: string): Promise<void> {
    this.sandboxes.set(id, { folder, who: undefined });
    await this.serve(id, folder);
  }

  /** From now on the log names the action that runs in a sandbox: `/namespace/name` or `/namespace/package/name`. */
  name(id: string, fqn: string): void {
    const served = this.sandboxes.get(id);
    if (!served) return;
    served.who = { namespace: fqn.split('/')[1] ?? '', action: fqn };
    this.send({ op: 'name', id, ...served.who });
  }

  /** Ends a sandbox's connections. */
  end(id: string): void {
    if (this.sandboxes.delete(id)) this.send({ op: 'end', id });
  }

  /** Ends the gateway and every connection. */
  async close(): Promise<void> {
    this.closing = true;
    const { child } = this;
    if (!child?.connected) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const late = setTimeout(() => child.kill('SIGKILL'), endMs);
    child.disconnect();
    await gone;
    clearTimeout(late);
  }

  private begin(): void {
    const { rules, nameServers, name, logLevel } = this.options;
    const child = fork(program, [], {
      // Names of tenants do not use threads; those of the operator's own list do.
      env: { UV_THREADPOOL_SIZE: '8' },
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      cwd: '/',
    });
    this.child = child;
    this.ready = new Promise((resolve) => child.once('message', resolve).once('exit', resolve));
    child.on('error', (error) => this.logger.error('egress gateway not reached', {}, error));
    child.once('exit', (code, signal) => {
      if (this.closing) return;
      this.logger.error('egress gateway ended, another follows', { code: code ?? undefined, signal: signal ?? undefined });
      this.child = undefined;
      setTimeout(() => this.closing || this.begin(), restartMs).unref();
    });
    this.send({
      op: 'begin',
      rules: { mode: rules.mode, ports: [...rules.ports], allow: [...rules.allow], apis: [...(rules.apis ?? [])] },
      nameServers: [...nameServers],
      name,
      logLevel,
    });
    for (const [id, { folder, who }] of this.sandboxes) {
      void this.serve(id, folder).then(() => who && this.send({ op: 'name', id, ...who }));
    }
  }

  private async serve(id: string, folder: string): Promise<void> {
    const { child } = this;
    await this.ready;
    if (!child?.connected) return; // The next one serves it when it begins.
    const server = createServer((socket) => socket.destroy());
    const draft = join(folder, `${egressName}~`);
    try {
      rmSync(draft, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(draft, resolve);
      });
      chmodSync(draft, 0o666);
      // Closing our copy removes the name that it was bound to: the socket lives on under this one.
      renameSync(draft, join(folder, egressName));
      await new Promise<void>((resolve, reject) => {
        const order: EgressOrder = { op: 'serve', id };
        child.send(order, server, (error) => (error ? reject(error) : resolve()));
      });
    } catch (cause) {
      if (this.sandboxes.has(id)) this.logger.error('sandbox without a network', { sandbox: id }, cause);
    } finally {
      server.close();
    }
  }

  private send(order: EgressOrder): void {
    if (this.child?.connected) this.child.send(order, (error) => error && this.logger.warn('egress gateway not reached', {}, error));
  }
}
