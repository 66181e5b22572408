import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Cgroup } from './cgroup.js';
import { shellWords } from './launch.js';
import type { ExitCause } from './protocol.js';
import { childrenOf, signal, signalTree, treeOf, useOf } from './tree.js';

/** The place of one sandbox: a number, and with it a user and a control group. */
export interface SlotPlace {
  readonly number: number;
  readonly cgroup: Cgroup | undefined;
  readonly pidsMax: number;
  /** Folders in which the command's programs are found. */
  readonly path: string;
  /** File with the seccomp program that the command reads from descriptor 3. */
  readonly filterFile: string | undefined;
  /** Whether the command makes a process namespace, whose first process takes all others with it. */
  readonly namespaced: boolean;
}

/** What a running slot reports. `exited` comes once, when the whole tree is gone. */
export interface SlotEvents {
  output(stream: 'stdout' | 'stderr', bytes: Buffer): void;
  exited(cause: ExitCause): void;
}

/** Open files of one process, as in OpenWhisk's containers. */
const filesMax = 1024;
/** Joins the control group, then waits for its command: joining takes long, so it happens ahead of need. */
const script =
  `for file in "$@"; do echo $$ > "$file" || exit 125; done; ulimit -c 0; ulimit -n ${filesMax}; ` +
  'read -r line || exit 0; eval "exec $line" < /dev/null';

const MiB = 1024 * 1024;
/** What a sandbox may write to its own descriptors before it is slowed down, and how fast it may go on. */
const outputBurst = 16 * MiB;
const outputPerMs = (4 * MiB) / 1000;
const watchMs = 100;
const heapExhausted = /heap out of memory|Allocation failed|invalid array length Allocation/i;

/** One process tree: parked first, then launched once. */
export class Slot {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private events: SlotEvents | undefined;
  private folder: string | undefined;
  private cause: ExitCause | undefined;
  private frozen = false;
  private stderrTail = '';
  private budget = outputBurst;
  private countedAt = Date.now();
  private watch: NodeJS.Timeout | undefined;
  /** Resolves when the tree is gone and its traces are removed. */
  readonly gone: Promise<void>;

  constructor(readonly place: SlotPlace) {
    const filter = place.filterFile === undefined ? undefined : openSync(place.filterFile, 'r');
    try {
      this.child = spawn('/bin/sh', ['-c', script, 'sh', ...(place.cgroup?.joins ?? [])], {
        detached: true,
        env: { PATH: place.path },
        cwd: '/',
        stdio: ['pipe', 'pipe', 'pipe', ...(filter === undefined ? [] : [filter])],
      }) as ChildProcessByStdio<Writable, Readable, Readable>;
    } finally {
      if (filter !== undefined) closeSync(filter);
    }
    this.child.stdin.on('error', () => undefined);
    for (const stream of ['stdout', 'stderr'] as const) this.child[stream].on('data', (bytes: Buffer) => this.take(stream, bytes));
    this.gone = this.ended().then(({ code, signal }) => this.finish(code, signal));
  }

  /** Whether the tree has ended. */
  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The first process's id; 0 where it could not be started. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Starts the command in this slot. `folder` is removed with it. */
  launch(command: readonly string[], folder: string, memoryMiB: number, events: SlotEvents): void {
    this.events = events;
    this.folder = folder;
    this.place.cgroup?.limit(memoryMiB * MiB);
    if (this.place.cgroup === undefined) this.watch = setInterval(() => this.look(memoryMiB * MiB), watchMs);
    this.child.stdin.end(`${shellWords(command)}\n`);
  }

  /** Ends the tree now. */
  kill(cause: ExitCause = 'killed'): void {
    if (this.over) return;
    this.cause ??= cause;
    this.place.cgroup?.thaw();
    if (this.events === undefined) this.child.stdin.end();
    this.strike();
    // A tree that was only just forking may have been missed.
    const again = setInterval(() => this.strike(), 200);
    void this.gone.finally(() => clearInterval(again));
  }

  async freeze(): Promise<void> {
    if (this.frozen || this.over) return;
    this.frozen = true;
    if (this.place.cgroup) await this.place.cgroup.freeze();
    else for (const pid of this.roots()) signalTree(pid, 'SIGSTOP');
  }

  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    if (this.place.cgroup) this.place.cgroup.thaw();
    else for (const pid of this.roots()) signalTree(pid, 'SIGCONT');
  }

  private strike(): void {
    // Once the first process has ended its id may be somebody else's.
    if (this.over) return;
    const inside = this.place.namespaced ? childrenOf(this.pid) : [];
    if (inside.length > 0) for (const pid of inside) signal(pid, 'SIGKILL');
    else for (const pid of [...treeOf(this.pid), -this.pid, ...(this.place.cgroup?.members() ?? [])]) signal(pid, 'SIGKILL');
  }

  /** The processes under which all of the sandbox is; bubblewrap's outer one is ours. */
  private roots(): number[] {
    return this.place.namespaced ? childrenOf(this.pid) : [this.pid];
  }

  /** Without a control group: memory and processes are looked at, and a tree over its limits is ended. */
  private look(memoryBytes: number): void {
    if (this.frozen || this.over) return;
    const use = useOf(treeOf(this.pid));
    if (use.bytes > memoryBytes) this.kill('out-of-memory');
    else if (use.threads > this.place.pidsMax) this.kill('exited');
  }

  private take(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    if (stream === 'stderr') this.stderrTail = (this.stderrTail + bytes.toString('latin1')).slice(-16_384);
    this.events?.output(stream, bytes);
    const now = Date.now();
    this.budget = Math.min(outputBurst, this.budget + (now - this.countedAt) * outputPerMs) - bytes.length;
    this.countedAt = now;
    if (this.budget >= 0) return;
    this.child[stream].pause();
    setTimeout(() => this.child[stream].resume(), watchMs).unref();
  }

  /** The end of the first process and of its output; a stray process that holds the output open delays it no longer than half a second. */
  private ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return new Promise((resolve) => {
      this.child.once('error', () => resolve({ code: 127, signal: null }));
      this.child.once('close', (code, signal) => resolve({ code, signal }));
      this.child.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), 500).unref());
    });
  }

  private async finish(code: number | null, name: NodeJS.Signals | null): Promise<void> {
    clearInterval(this.watch);
    const { cgroup, namespaced } = this.place;
    const cause = this.cause ?? this.causeOf(code, name);
    if (!namespaced) for (const pid of [-this.pid, ...(cgroup?.members() ?? [])]) signal(pid, 'SIGKILL');
    this.events?.exited(cause);
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
    await cgroup?.remove();
  }

  private causeOf(code: number | null, name: NodeJS.Signals | null): ExitCause {
    const killed = name === 'SIGKILL' || code === 137;
    if (killed && this.place.cgroup?.ranOutOfMemory()) return 'out-of-memory';
    const aborted = name === 'SIGABRT' || name === 'SIGTRAP' || code === 134 || code === 133;
    return aborted && heapExhausted.test(this.stderrTail) ? 'out-of-memory' : 'exited';
  }
}
