import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { socketName } from './protocol.js';
import type { RuntimeRoot } from '../kinds/root.js';

/** Programs of this machine that a launch may use. */
export interface Programs {
  /** Text of `bwrap --help`, or undefined where there is no bubblewrap. */
  readonly bwrap: string | undefined;
  readonly setpriv: boolean;
  readonly prlimit: boolean;
}

/** How one sandbox is to be started. */
export interface Launch {
  readonly root: RuntimeRoot;
  /** The slot's folder, with the socket in it. */
  readonly slotFolder: string;
  readonly memoryMiB: number;
  /** The slot's own user, when the spawner is root. */
  readonly uid: number | undefined;
  readonly pidsMax: number;
  /** Whether descriptor 3 holds a seccomp program. */
  readonly filtered: boolean;
}

const MiB = 1024 * 1024;
const environment = { HOME: '/tmp', PATH: '/bin', LANG: 'C.UTF-8' };

/** Finds out what this machine has in the folders of `path`. */
export function findPrograms(path: string): Programs {
  return { bwrap: helpOf('bwrap', path), setpriv: helpOf('setpriv', path) !== undefined, prlimit: helpOf('prlimit', path) !== undefined };
}

/**
 * The command of an isolated sandbox: an empty world but for the read-only root, a capped /tmp, three devices and the slot's sockets; no network but a
 * loopback of its own and what the gateway behind one of the sockets lets through, no capabilities, no new privileges, no further namespaces. It
 * never starts as root: root's id would be mapped inside, and with it the machine's settings under /proc/sys would be writable.
 */
export function nativeCommand(launch: Launch, programs: Programs): string[] {
  const { root, slotFolder, memoryMiB, uid, filtered } = launch;
  const optional = (flag: string, value?: string): string => (programs.bwrap?.includes(flag) ? `${flag} ${value ?? ''}` : '');
  const temporary = String(Math.max(32, Math.floor(memoryMiB / 2)) * MiB);
  return [
    words(uid === undefined ? 'nice -n 5' : ownUser(uid)),
    words('bwrap --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try'),
    words(optional('--disable-userns')),
    words('--die-with-parent --new-session --cap-drop ALL --uid 1000 --gid 1000 --hostname sandbox --clearenv'),
    Object.entries({ ...environment, ...root.environment('') }).flatMap(([name, value]) => ['--setenv', name, value]),
    ['--ro-bind', root.folder, '/', '--proc', '/proc'],
    ['null', 'zero', 'urandom'].flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
    words(optional('--size', temporary)),
    ['--tmpfs', '/tmp'],
    words(optional('--size', temporary)),
    ['--tmpfs', '/dev/shm', '--ro-bind', slotFolder, '/s', '--chdir', '/tmp'],
    words(filtered ? '--seccomp 3' : ''),
    ['--', root.program, ...root.flags(memoryMiB), root.entry, `/s/${socketName}`],
  ].flat();
}

/** The command of a sandbox without isolation: a child process that ends with its parent, under its own user where that can be had. */
export function processCommand(launch: Launch, programs: Programs): string[] {
  const { root, slotFolder, memoryMiB, uid, pidsMax } = launch;
  const user = uid === undefined ? 'setpriv' : ownUser(uid);
  const surroundings = { ...environment, PATH: '/usr/bin:/bin', ...root.environment(root.folder) };
  return [
    ['env', '-i', ...Object.entries(surroundings).map(([name, value]) => `${name}=${value}`)],
    words(uid !== undefined && programs.prlimit ? `prlimit --nproc=${pidsMax}` : ''),
    words(programs.setpriv ? `${user} --no-new-privs --pdeathsig KILL` : ''),
    [
      uid === undefined ? root.host : join(root.folder, root.program),
      ...root.flags(memoryMiB),
      join(root.folder, root.entry),
      join(slotFolder, socketName),
    ],
  ].flat();
}

/** A command line that a shell reads as exactly these words. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

function ownUser(uid: number): string {
  return `setpriv --reuid ${uid} --regid ${uid} --clear-groups --inh-caps=-all --bounding-set=-all`;
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

function helpOf(program: string, path: string): string | undefined {
  try {
    return execFileSync(program, ['--help'], { encoding: 'utf8', timeout: 5000, env: { PATH: path }, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
