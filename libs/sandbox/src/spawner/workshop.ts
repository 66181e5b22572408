import { createHash } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { SandboxInfo } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { missingModules } from '../kinds/modules.js';
import { Runtimes } from '../kinds/runtimes.js';
import type { RuntimeRoot } from '../kinds/root.js';
import { seccompProgram } from '../seccomp/filter.js';
import { findCgroups, removeHome, sweepCgroups, type CgroupHome } from './cgroup.js';
import { findPrograms, nativeCommand, processCommand, type Programs } from './launch.js';
import { slotFolder, socketName } from './protocol.js';
import { Slot, type SlotEvents } from './slot.js';
import { treeOf } from './tree.js';

/** What a workshop needs to know. */
export interface WorkshopOptions {
  /** Folder for slots and runtime roots; every user must be able to reach it. */
  readonly dir: string;
  /** Folder of runtimes from the npm registry, which the spawners of a machine share; inside `dir` where not given. */
  readonly store?: string | undefined;
  /** Our environment: npm sees of it what it needs to reach its registry, sandboxes nothing. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly mode: 'auto' | 'native' | 'process';
  /** First of the users that slots run as, when we are root. */
  readonly firstUid: number;
  /** Folders in which bubblewrap and its like are found, as in PATH. */
  readonly path: string;
  /** Processes and threads of one sandbox. */
  readonly pidsMax: number;
}

/** Slots that wait, inside their control groups, for a command. */
const parkedMax = 2;
const slotsMax = 4096;
const probeMs = 15_000;
/** Bytes of a unix socket's path on the system that takes least. */
const unixPathMax = 103;

/** Makes process trees: owns the runtime root, the slots and their control groups. One per spawner. */
export class Workshop {
  private readonly slots = new Map<number, Slot>();
  private readonly parked: Slot[] = [];
  private closing = false;

  private constructor(
    private readonly options: WorkshopOptions,
    private readonly tools: {
      readonly runtimes: Runtimes;
      readonly programs: Programs;
      readonly cgroups: CgroupHome | undefined;
      readonly guard: ChildProcess | undefined;
    },
    private filterFile: string | undefined,
    private driver: 'native' | 'process',
  ) {}

  /** Prepares the folder, removes what an earlier life left, and tries a sandbox before it promises any isolation. */
  static async open(options: WorkshopOptions, logger: Logger): Promise<{ workshop: Workshop; info: SandboxInfo }> {
    const slots = join(options.dir, 'slots');
    const longest = join(slots, slotFolder('0'.repeat(32)), socketName);
    if (longest.length > unixPathMax) throw new Error(`the sandbox folder's path is too long: ${longest} exceeds ${unixPathMax} bytes`);
    mkdirSync(options.dir, { recursive: true, mode: 0o755 });
    rmSync(slots, { recursive: true, force: true });
    mkdirSync(slots, { mode: 0o711 });
    const cgroups = findCgroups(homeName(options.dir));
    if (cgroups) await sweepCgroups(cgroups);
    const tools = {
      runtimes: await Runtimes.open({ ...options, store: options.store ?? join(options.dir, 'runtimes') }, logger),
      programs: findPrograms(options.path),
      cgroups,
      guard: thawGuard(cgroups),
    };
    const program = seccompProgram(process.arch);
    const filterFile = program && join(options.dir, 'seccomp.bpf');
    if (filterFile !== undefined) writeFileSync(filterFile, program ?? '');
    const workshop = new Workshop(options, tools, filterFile, 'native');
    const warnings = await workshop.settle(logger);
    for (const warning of warnings) logger.warn('sandbox warning', { warning });
    return { workshop, info: { driver: workshop.driver, isolated: workshop.driver === 'native', warnings, kinds: tools.runtimes.kinds } };
  }

  /** Folder in which clients make a folder with a socket for each sandbox. */
  get slotsFolder(): string {
    return join(this.options.dir, 'slots');
  }

  /** What makes sandboxes of each kind. */
  get runtimes(): Runtimes {
    return this.tools.runtimes;
  }

  /** Starts a sandbox that dials the socket in `folder`. Throws when there is no room. */
  start(root: RuntimeRoot, folder: string, memoryMiB: number, events: SlotEvents): Slot {
    const slot = this.unpark();
    const uid = this.uidOf(slot.place.number);
    // Only the slot's own user may reach the socket.
    if (uid !== undefined) chownSync(folder, uid, uid);
    chmodSync(folder, 0o700);
    const launch = {
      root,
      slotFolder: folder,
      memoryMiB,
      uid,
      pidsMax: this.options.pidsMax,
      filtered: this.filterFile !== undefined,
    };
    const command = this.driver === 'native' ? nativeCommand(launch, this.tools.programs) : processCommand(launch, this.tools.programs);
    slot.launch(command, folder, memoryMiB, events);
    setTimeout(() => this.refill(), 20).unref();
    return slot;
  }

  /** Ends everything and removes every trace. */
  async close(): Promise<void> {
    this.closing = true;
    const all = [...this.slots.values()];
    for (const slot of all) slot.kill();
    await Promise.all(all.map((slot) => slot.gone));
    this.tools.guard?.stdin?.end();
    rmSync(this.slotsFolder, { recursive: true, force: true });
    if (this.tools.cgroups) await removeHome(this.tools.cgroups);
  }

  private unpark(): Slot {
    for (let slot = this.parked.shift(); slot; slot = this.parked.shift()) if (!slot.over) return slot;
    return this.park();
  }

  /** Parks slots ahead of need. What goes wrong here goes wrong again, and is reported, when one is needed. */
  private refill(): void {
    if (this.closing || this.tools.cgroups === undefined) return;
    try {
      while (this.parked.length < parkedMax && this.slots.size < slotsMax) this.parked.push(this.park());
    } catch {
      // no process to be had now
    }
  }

  private park(): Slot {
    let number = 0;
    while (this.slots.has(number)) number++;
    if (number >= slotsMax) throw new Error('no slot is free');
    const { pidsMax, path } = this.options;
    const native = this.driver === 'native';
    const cgroup = this.tools.cgroups?.create(String(number), pidsMax);
    const slot = new Slot({ number, cgroup, pidsMax, path, filterFile: native ? this.filterFile : undefined, namespaced: native });
    this.slots.set(number, slot);
    void slot.gone.finally(() => {
      this.slots.delete(number);
      const at = this.parked.indexOf(slot);
      if (at >= 0) this.parked.splice(at, 1);
    });
    return slot;
  }

  private uidOf(number: number): number | undefined {
    return isRoot() && this.tools.programs.setpriv ? this.options.firstUid + number : undefined;
  }

  /** Chooses the driver by trying. Returns what an operator must know. */
  private async settle(logger: Logger): Promise<string[]> {
    const { mode } = this.options;
    if (isRoot() && !this.tools.programs.setpriv) {
      throw new Error('sandboxes must not run as root: install setpriv (apt-get install util-linux) or run the spawner as another user');
    }
    const warnings: string[] = [];
    const failure =
      mode === 'process'
        ? 'it was asked for'
        : this.tools.programs.bwrap === undefined
          ? 'bubblewrap is not installed'
          : await this.probe();
    if (failure !== undefined) {
      if (mode === 'native') throw new Error(`sandboxes cannot be isolated here: ${failure}`);
      this.driver = 'process';
      this.filterFile = undefined;
      warnings.push(
        `Sandboxes are NOT isolated (${failure}): actions can read files and reach networks of this machine. Install bubblewrap (apt-get install bubblewrap), allow user namespaces, and set ISOCHRONE_SANDBOX=native.`,
      );
      const broken = await this.probe();
      if (broken !== undefined) throw new Error(`no sandbox can be started here: ${broken}`);
    } else if (this.filterFile === undefined) {
      warnings.push(`System calls of sandboxes are not filtered: there is no filter for ${process.arch}. Run on x64 or arm64.`);
    }
    if (this.tools.cgroups === undefined) {
      warnings.push(
        'Memory and processes of sandboxes are watched, not limited by the kernel. Run the spawner as root or give it control groups (systemd-run -p Delegate=yes).',
      );
    }
    const missing = missingModules();
    if (missing !== undefined) warnings.push(missing);
    if (nodeMajor() !== '20')
      warnings.push(
        `Actions of kind nodejs:20 run on Node.js ${process.version}, the platform's own. Start the platform with Node.js 20 (nvm install 20).`,
      );
    logger.log('sandboxes ready', {
      driver: this.driver,
      cgroups: this.tools.cgroups?.version ?? 0,
      ownUsers: this.uidOf(0) !== undefined,
    });
    this.refill();
    return warnings;
  }

  /** Starts a sandbox and looks at it from outside. Returns what is wrong with it, or undefined. */
  private async probe(): Promise<string | undefined> {
    const folder = join(this.slotsFolder, 'probe');
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    const server = createServer();
    let stderr = '';
    let slot: Slot | undefined;
    try {
      const dialled = new Promise<string | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(`it did not start within ${probeMs} ms`), probeMs);
        server.once('error', (error) => resolve(error.message));
        server.once('connection', (socket) => {
          socket.on('error', () => undefined);
          socket.once('data', () => {
            clearTimeout(timer);
            resolve(this.driver === 'native' && slot ? weakness(slot.pid, this.filterFile !== undefined) : undefined);
          });
        });
        server.listen(join(folder, socketName), () => {
          chmodSync(join(folder, socketName), 0o666);
          slot = this.start(this.runtimes.standard, folder, 256, {
            output: (_, bytes) => (stderr = (stderr + bytes.toString()).slice(-500)),
            exited: () => resolve(`the test sandbox ended: ${stderr.trim()}`),
          });
        });
        void slot?.gone.finally(() => clearTimeout(timer));
      });
      return await dialled;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      slot?.kill();
      await slot?.gone;
      server.close();
    }
  }
}

/** What a process that should be isolated still has, as the kernel shows it. */
function weakness(pid: number, filtered: boolean): string | undefined {
  const innermost = treeOf(pid).at(-1) ?? pid;
  const status = readFileSync(`/proc/${innermost}/status`, 'utf8');
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
  if (field('Uid') === '0') return 'the test sandbox ran as root';
  if (/[^0]/.test(field('CapEff'))) return 'the test sandbox had capabilities';
  if (field('NoNewPrivs') !== '1') return 'the test sandbox could gain privileges';
  if (filtered && field('Seccomp') !== '2') return 'the test sandbox had no system call filter';
  return undefined;
}

/**
 * A frozen process of a version 1 freezer does not die, not even of SIGKILL, so frozen sandboxes would outlive a killed spawner. This shell waits for
 * the end of our pipe, which the kernel closes whatever ends us, and thaws them.
 */
function thawGuard(cgroups: CgroupHome | undefined): ChildProcess | undefined {
  const freezer = cgroups?.version === 1 ? cgroups.folders.at(-1) : undefined;
  if (freezer === undefined) return undefined;
  const guard = spawn(
    '/bin/sh',
    ['-c', 'cat > /dev/null; for file in "$1"/*/freezer.state; do echo THAWED > "$file"; done', 'sh', freezer],
    {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  guard.on('error', () => undefined);
  guard.stdin?.on('error', () => undefined);
  guard.unref();
  return guard;
}

function homeName(dir: string): string {
  return `isochrone-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function nodeMajor(): string {
  return process.versions.node.split('.')[0] ?? '';
}
