import { assemble, data, type Line } from './bpf.js';
import { allowedCalls, machines, type Machine } from './syscalls.js';

/** What a filter answers to a call. */
export const verdicts = {
  allow: 0x7fff_0000,
  kill: 0x8000_0000,
  /** Fails with an errno. */
  errno: (code: number): number => 0x0005_0000 | code,
} as const;

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** First number that no kernel header of ours knows: newer calls must look absent, so that libraries fall back to older ones. */
const unknownFrom = 451;
/** Bit of the x32 ABI, whose calls share the machine's audit word. */
const x32 = 0x4000_0000;
/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}. A new time namespace needs unshare, which is not allowed. */
const newNamespaces = 0x7e02_0000;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (interface lists): no raw packets, no vsock to the host of a virtual machine, no kernel crypto. */
const socketFamilies = [1, 2, 10, 16];
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

/** Calls that are allowed by their arguments. */
const guarded = new Set(['clone', 'socket', 'ioctl']);

/** The seccomp program of this machine as bubblewrap's `--seccomp` reads it, or undefined where there is none. */
export function seccompProgram(architecture: string): Buffer | undefined {
  const machine = machines.get(architecture);
  return machine && assemble(lines(machine));
}

function lines(machine: Machine): Line[] {
  const { numbers } = machine;
  const call = (name: string): number => {
    const number = numbers.get(name);
    if (number === undefined) throw new Error(`no number for system call ${name}`);
    return number;
  };
  const plain = allowedCalls.filter((name) => !guarded.has(name) && numbers.has(name)).map(call);
  return [
    { op: 'load', offset: data.machine },
    { op: 'equal', value: machine.audit, goto: 'ours' },
    { op: 'return', value: verdicts.kill },
    { op: 'label', name: 'ours' },
    { op: 'load', offset: data.call },
    { op: 'atLeast', value: x32, goto: 'absent' },
    { op: 'atLeast', value: unknownFrom, goto: 'absent' },
    // glibc falls back to clone, whose flags can be seen: those of clone3 lie in memory.
    { op: 'equal', value: call('clone3'), goto: 'absent' },
    { op: 'equal', value: call('clone'), goto: 'clone' },
    { op: 'equal', value: call('socket'), goto: 'socket' },
    { op: 'equal', value: call('ioctl'), goto: 'ioctl' },
    { op: 'jump', to: 'table' },
    { op: 'label', name: 'absent' },
    { op: 'return', value: verdicts.errno(ENOSYS) },
    { op: 'label', name: 'clone' },
    { op: 'load', offset: data.argument(0) },
    { op: 'anyBit', value: newNamespaces, goto: 'refused' },
    { op: 'return', value: verdicts.allow },
    { op: 'label', name: 'refused' },
    { op: 'return', value: verdicts.errno(EPERM) },
    { op: 'label', name: 'socket' },
    { op: 'load', offset: data.argument(0) },
    ...socketFamilies.map((value) => ({ op: 'equal', value, goto: 'family' }) as const),
    { op: 'return', value: verdicts.errno(EAFNOSUPPORT) },
    { op: 'label', name: 'family' },
    { op: 'return', value: verdicts.allow },
    { op: 'label', name: 'ioctl' },
    { op: 'load', offset: data.argument(1) },
    { op: 'equal', value: TIOCSTI, goto: 'terminal' },
    { op: 'equal', value: TIOCLINUX, goto: 'terminal' },
    { op: 'return', value: verdicts.allow },
    { op: 'label', name: 'terminal' },
    { op: 'return', value: verdicts.errno(EPERM) },
    { op: 'label', name: 'table' },
    ...ranges(plain).flatMap(range),
    { op: 'return', value: verdicts.errno(EPERM) },
  ];
}

/** `number` in [first, last] → allow. Each range carries its own answer, so that no jump is long. */
function range([first, last]: readonly [number, number]): Line[] {
  const miss = `past-${first}`;
  const hit = `in-${first}`;
  const exit: Line[] = [
    { op: 'jump', to: miss },
    { op: 'label', name: hit },
    { op: 'return', value: verdicts.allow },
    { op: 'label', name: miss },
  ];
  if (first === last) return [{ op: 'equal', value: first, goto: hit }, ...exit];
  return [{ op: 'atLeast', value: last + 1, goto: miss }, { op: 'atLeast', value: first, goto: hit }, ...exit];
}

/** Sorted numbers as inclusive ranges. */
function ranges(numbers: readonly number[]): (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[1] >= number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}
