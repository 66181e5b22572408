import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#libs/telemetry';
import { Refusal, noSpace } from '../refusal.js';
import type { User } from '../world/reach.js';
import { backOff } from './backoff.js';
import { lastWords, openLog, tail } from './logs.js';
import type { ProcessStatus, Role, Running, Unit } from './unit.js';
import { childrenOf, isGone, signal, startedAt } from './process-table.js';

/** A process that is to run. */
export interface ProcessSpec {
  /** Unique in the world: `router`, `eu-west-1.controller`. */
  readonly name: string;
  readonly role: Role;
  readonly region?: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user?: User | undefined;
  /** What asks it to end, and how long it may take before SIGKILL. */
  readonly stop: { readonly signal: NodeJS.Signals; readonly withinMs: number };
  readonly log: string;
  /** Runs before every start. */
  readonly prepare?: () => Promise<void>;
  /** Whether it does its work. */
  readonly ready: () => Promise<boolean>;
}

/** A process that crashes this often before it was ever ready has something a restart does not mend. */
const hopelessCrashes = 4;
const readyMs = 60_000;
const pollMs = 50;

/** Runs one process for as long as it is wanted: starts it again when it ends by itself, sooner the first time than later. */
export class Child implements Unit {
  private process: ChildProcess | undefined;
  private started: string | undefined;
  private state: ProcessStatus['state'] = 'stopped';
  private sinceMs = Date.now();
  private restarts = 0;
  private crashes = 0;
  private everReady = false;
  /** Why it could not even be prepared, the last time. */
  private refusal: Error | undefined;
  private loop: Promise<void> | undefined;
  private wanted = new AbortController();

  constructor(
    readonly spec: ProcessSpec,
    private readonly logger: Logger,
    /** Called whenever a process began or ended. */
    private readonly changed: () => void,
  ) {
    this.wanted.abort();
  }

  /** Starts the process and resolves when it does its work. Throws one line when it cannot. */
  async start(): Promise<void> {
    if (this.loop) return this.becomeReady();
    this.wanted = new AbortController();
    this.crashes = 0;
    this.everReady = false;
    this.enter('starting');
    this.loop = this.keepRunning(this.wanted.signal).finally(() => (this.loop = undefined));
    this.loop.catch(() => undefined);
    await this.becomeReady();
  }

  /** Asks it to end, waits, and makes it. */
  async stop(): Promise<void> {
    const { loop, process, started } = this;
    this.wanted.abort();
    if (process?.pid !== undefined) {
      signal(process.pid, this.spec.stop.signal);
      if (!(await isGone(process.pid, started, this.spec.stop.withinMs))) {
        this.logger.warn('a process did not end in time and was killed', { process: this.spec.name });
        this.killNow(process.pid);
      }
    }
    await loop?.catch(() => undefined);
    this.enter('stopped');
  }

  /** Ends it as a power cut would; it stays down until it is started. */
  async kill(): Promise<void> {
    const { loop, process } = this;
    this.wanted.abort();
    if (process?.pid !== undefined) this.killNow(process.pid);
    await loop?.catch(() => undefined);
    this.enter('stopped');
  }

  get running(): Running | undefined {
    const pid = this.process?.pid;
    return pid === undefined || this.started === undefined
      ? undefined
      : { name: this.spec.name, pid, startedAt: this.started, file: this.marker };
  }

  status(): ProcessStatus {
    const { name, role, region } = this.spec;
    const pid = this.process?.pid;
    return {
      name,
      role,
      ...(region !== undefined && { region }),
      ...(pid !== undefined && { pid }),
      state: this.state,
      restarts: this.restarts,
      sinceMs: this.sinceMs,
    };
  }

  /** What its command line must hold for a later start to believe that it is this one: its entry point. */
  private get marker(): string {
    return this.spec.args.find((argument) => argument.startsWith('/')) ?? this.spec.file;
  }

  private async becomeReady(): Promise<void> {
    const until = Date.now() + readyMs;
    while (this.state !== 'running') {
      if (this.state === 'stopped') throw this.failure('was stopped while it started');
      if (!this.everReady && this.crashes >= hopelessCrashes) throw this.failure('does not start');
      if (Date.now() > until) throw this.failure(`was not ready within ${readyMs / 1000} s`);
      await sleep(pollMs);
    }
  }

  /** Says when one run of the process does its work; ends with that run. */
  private async watch(child: ChildProcess): Promise<void> {
    while (this.process === child && child.exitCode === null && child.signalCode === null) {
      if ((await this.spec.ready()) && this.process === child) {
        this.everReady = true;
        return this.enter('running');
      }
      await sleep(pollMs);
    }
  }

  private failure(what: string): Refusal {
    const { name, log } = this.spec;
    if (this.refusal) return new Refusal(`${name} ${what}: ${this.refusal.message}`, 1, { cause: this.refusal });
    if (/ENOSPC|No space left on device/.test(tail(log))) return new Refusal(noSpace(dirname(log)));
    const words = lastWords(log);
    return new Refusal(`${name} ${what}${words === '' ? '' : ` (${words.slice(0, 300)})`}: see ${log}`);
  }

  private async keepRunning(wanted: AbortSignal): Promise<void> {
    while (!wanted.aborted) {
      const begunAt = Date.now();
      const how = await this.runOnce(wanted);
      if (wanted.aborted) return;
      const next = backOff(this.crashes, Date.now() - begunAt);
      this.crashes = next.crashes;
      this.restarts += 1;
      this.enter('restarting');
      this.logger.warn('a process ended by itself and is started again', { process: this.spec.name, how, waitMs: next.waitMs });
      await sleep(next.waitMs, undefined, { signal: wanted }).catch(() => undefined);
    }
  }

  /** Runs the process once; resolves with how it ended. */
  private async runOnce(wanted: AbortSignal): Promise<string> {
    try {
      await this.spec.prepare?.();
      this.refusal = undefined;
    } catch (error) {
      this.refusal = error instanceof Error ? error : new Error(String(error));
      return this.refusal.message;
    }
    if (wanted.aborted) return 'not wanted any more';
    const log = openLog(this.spec.log);
    try {
      return await new Promise<string>((resolve) => {
        const { file, args, env, user } = this.spec;
        const child = spawn(file, args, { cwd: '/', env, ...user, detached: true, stdio: ['pipe', log, log] });
        child.stdin?.on('error', () => undefined);
        child.once('error', (error) => resolve(error.message));
        child.once('exit', (code, name) => resolve(name ?? `code ${code}`));
        this.process = child;
        this.started = child.pid === undefined ? undefined : startedAt(child.pid);
        this.changed();
        if (child.pid !== undefined) void this.watch(child);
      });
    } finally {
      closeSync(log);
      this.process = undefined;
      this.started = undefined;
      this.changed();
    }
  }

  /**
   * Postgres' children leave its process group and are killed by name. Others' are left: a spawner has one that thaws its sandboxes when it
   * is gone, without which frozen ones could not even die.
   */
  private killNow(pid: number): void {
    const children = this.spec.role === 'postgres' ? childrenOf(pid) : [];
    for (const each of [pid, ...children]) signal(each, 'SIGKILL');
  }

  private enter(state: ProcessStatus['state']): void {
    this.state = state;
    this.sinceMs = Date.now();
  }
}
