/** Which processes live. A process is known by its id and the time it started, since ids come back. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** When a process started, as an opaque text that its id alone never repeats; undefined where there is no such process. */
export function startedAt(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const fields = statFields(pid);
    return fields === undefined || fields[0] === 'Z' ? undefined : `${bootId()}.${fields[19]}`;
  }
  return ps(pid, 'lstart');
}

/** Whether the process of that id is still the one that started then. */
export function isSameProcess(pid: number, started: string | undefined): boolean {
  return started !== undefined && startedAt(pid) === started;
}

/** The command line of a process, its parts joined by blanks; empty where there is none. */
export function commandLine(pid: number): string {
  if (process.platform !== 'linux') return ps(pid, 'command') ?? '';
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** The children of a process. */
export function childrenOf(pid: number): number[] {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8', timeout: 5000 });
    return (stdout ?? '').split('\n').filter(Boolean).map(Number);
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statFields(candidate)?.[1] === String(pid));
}

/** Sends a signal; nothing happens when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Waits until a process is gone; false when it still lives after `timeoutMs`. */
export async function isGone(pid: number, started: string | undefined, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + timeoutMs;
  while (isSameProcess(pid, started)) {
    if (Date.now() > until) return false;
    await sleep(20);
  }
  return true;
}

/** Times of the kernel count from the boot, so a time means something only together with it. */
function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The fields of /proc/<pid>/stat after the name, which may hold blanks: state, parent, … with the start time at 19. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function ps(pid: number, column: string): string | undefined {
  const { stdout } = spawnSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8', timeout: 5000 });
  return stdout?.trim() || undefined;
}
