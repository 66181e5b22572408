import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where control groups of sandboxes are made. */
export interface CgroupHome {
  readonly version: 1 | 2;
  /** Folders that hold one folder per slot. */
  readonly folders: readonly string[];
  create(name: string, pids: number): Cgroup;
}

/** The control group of one slot. */
export interface Cgroup {
  /** Files into which a process writes its id to join. */
  readonly joins: readonly string[];
  limit(memoryBytes: number): void;
  /** Processes inside now. */
  members(): number[];
  /** Whether the kernel killed a process here for want of memory. */
  ranOutOfMemory(): boolean;
  freeze(): Promise<void>;
  thaw(): void;
  /** Removes the group once it is empty; false when it is not within a second. */
  remove(): Promise<boolean>;
}

/** Share of the processor that all sandboxes together have: as much as one thread of the platform, which so stays responsive. */
const shares = 1024;
const controllers = ['memory', 'pids', 'cpu', 'freezer'] as const;

/** Finds control groups that this process may use, and prepares a folder of the given name for slots; undefined where there are none. */
export function findCgroups(name: string): CgroupHome | undefined {
  try {
    const mounts = readMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
    return version2(mounts, name) ?? version1(mounts, name);
  } catch {
    return undefined;
  }
}

/** Mount points of control group hierarchies: by controller for version 1, under `2` for version 2. */
export function readMounts(mountinfo: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const place = (before.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') found.set('2', place);
    if (type === 'cgroup') for (const option of options.split(',')) found.set(option, place);
  }
  return found;
}

function version1(mounts: ReadonlyMap<string, string>, name: string): CgroupHome | undefined {
  const places = controllers.map((controller) => mounts.get(controller));
  if (places.some((place) => place === undefined)) return undefined;
  const [memory = '', pids = '', cpu = '', freezer = ''] = places.map((place) => join(place ?? '', name));
  try {
    for (const folder of [memory, pids, cpu, freezer]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(cpu, 'cpu.shares'), String(shares));
  } catch {
    return undefined;
  }
  return {
    version: 1,
    folders: [memory, pids, cpu, freezer],
    create(slot, pidsMax) {
      const folders = [memory, pids, cpu, freezer].map((folder) => join(folder, slot));
      for (const folder of folders) mkdirSync(folder, { recursive: true });
      const at = (folder: string, file: string): string => join(folder, slot, file);
      writeFileSync(at(pids, 'pids.max'), String(pidsMax));
      return {
        joins: folders.map((folder) => join(folder, 'cgroup.procs')),
        limit(bytes) {
          writeFileSync(at(memory, 'memory.limit_in_bytes'), String(bytes));
          tryWrite(at(memory, 'memory.memsw.limit_in_bytes'), String(bytes));
        },
        members: () => numbers(at(pids, 'cgroup.procs')),
        ranOutOfMemory: () => counter(at(memory, 'memory.oom_control'), 'oom_kill') > 0,
        async freeze() {
          tryWrite(at(freezer, 'freezer.state'), 'FROZEN');
          await until(() => read(at(freezer, 'freezer.state')).startsWith('FROZEN'));
        },
        thaw: () => tryWrite(at(freezer, 'freezer.state'), 'THAWED'),
        remove: () => removeAll(folders),
      };
    },
  };
}

function version2(mounts: ReadonlyMap<string, string>, name: string): CgroupHome | undefined {
  const mount = mounts.get('2');
  if (mount === undefined || !['memory', 'pids'].every((c) => read(join(mount, 'cgroup.controllers')).split(/\s/).includes(c)))
    return undefined;
  const own = join(mount, /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1] ?? '/');
  const home = [own, mount].map((parent) => delegated(parent, name)).find((folder) => folder !== undefined);
  if (home === undefined) return undefined;
  tryWrite(join(home, 'cpu.weight'), '50');
  return {
    version: 2,
    folders: [home],
    create(slot, pidsMax) {
      const folder = join(home, slot);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'pids.max'), String(pidsMax));
      return {
        joins: [join(folder, 'cgroup.procs')],
        limit(bytes) {
          writeFileSync(join(folder, 'memory.max'), String(bytes));
          tryWrite(join(folder, 'memory.swap.max'), '0');
        },
        members: () => numbers(join(folder, 'cgroup.procs')),
        ranOutOfMemory: () => counter(join(folder, 'memory.events'), 'oom_kill') > 0,
        async freeze() {
          tryWrite(join(folder, 'cgroup.freeze'), '1');
          await until(() => counter(join(folder, 'cgroup.events'), 'frozen') === 1);
        },
        thaw: () => tryWrite(join(folder, 'cgroup.freeze'), '0'),
        remove: () => removeAll([folder]),
      };
    },
  };
}

/** A folder under `parent` in which groups with limits can be made, or undefined. A group with limits holds no processes, so we move aside. */
function delegated(parent: string, name: string): string | undefined {
  const folder = join(parent, name);
  const available = read(join(parent, 'cgroup.controllers')).split(/\s+/);
  const enable = ['memory', 'pids', 'cpu']
    .filter((name) => available.includes(name))
    .map((name) => `+${name}`)
    .join(' ');
  try {
    mkdirSync(folder, { recursive: true });
    if (!tryWrite(join(parent, 'cgroup.subtree_control'), enable)) {
      const aside = join(parent, `${name}-spawner`);
      mkdirSync(aside, { recursive: true });
      writeFileSync(join(aside, 'cgroup.procs'), String(process.pid));
      writeFileSync(join(parent, 'cgroup.subtree_control'), enable);
    }
    writeFileSync(join(folder, 'cgroup.subtree_control'), enable);
    return folder;
  } catch {
    return undefined;
  }
}

/** Kills and removes what an earlier life left in a home: frozen processes are thawed first, or the signal would wait. */
export async function sweepCgroups(home: CgroupHome): Promise<void> {
  const slots = new Set(home.folders.flatMap((folder) => subfolders(folder).map((slot) => join(folder, slot))));
  for (const folder of slots) {
    tryWrite(join(folder, 'freezer.state'), 'THAWED');
    for (const pid of numbers(join(folder, 'cgroup.procs'))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone already
      }
    }
  }
  await removeAll([...slots]);
}

/** Removes the folders of a home; it must be empty. */
export async function removeHome(home: CgroupHome): Promise<void> {
  await removeAll(home.folders);
}

async function removeAll(folders: readonly string[]): Promise<boolean> {
  let left = folders;
  const done = await until(() => {
    left = left.filter((folder) => !removed(folder));
    return left.length === 0;
  });
  return done;
}

function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

async function until(holds: () => boolean): Promise<boolean> {
  for (let waitMs = 1, waited = 0; waited < 1000; waited += waitMs, waitMs = Math.min(50, waitMs * 2)) {
    if (holds()) return true;
    await sleep(waitMs);
  }
  return holds();
}

function tryWrite(file: string, text: string): boolean {
  try {
    writeFileSync(file, text);
    return true;
  } catch {
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function numbers(file: string): number[] {
  return read(file)
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

function counter(file: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(read(file))?.[1] ?? 0);
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}
