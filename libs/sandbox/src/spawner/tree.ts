import { readdirSync, readFileSync } from 'node:fs';

/** What a process tree uses: memory that is its own (anonymous and shared memory), and processes and threads. */
export interface TreeUse {
  readonly bytes: number;
  readonly threads: number;
}

/** Looks no further than this many processes. */
const processesMax = 4096;

/** A process and all its descendants, parents first, as /proc shows them now; only the process where there is no /proc. */
export function treeOf(root: number): number[] {
  const found = root > 1 ? [root] : [];
  for (let at = 0; at < found.length && found.length < processesMax; at++) found.push(...childrenOf(found[at] ?? 0));
  return found;
}

/** Direct children of a process, of all its threads. */
export function childrenOf(pid: number): number[] {
  return names(`/proc/${pid}/task`).flatMap((thread) =>
    text(`/proc/${pid}/task/${thread}/children`)
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  );
}

/** What the processes use together. Those that ended meanwhile count nothing. */
export function useOf(pids: readonly number[]): TreeUse {
  let bytes = 0;
  let threads = 0;
  for (const pid of pids) {
    const status = text(`/proc/${pid}/status`);
    bytes += 1024 * (field(status, 'RssAnon') + field(status, 'RssShmem'));
    threads += field(status, 'Threads');
  }
  return { bytes, threads };
}

/**
 * Sends a signal to a process, or to a group when negative; one that is gone is no error. Ids that mean everybody (-1), our own group (0) or the
 * machine's first process are refused: they come from a child that never started.
 */
export function signal(pid: number, name: NodeJS.Signals): void {
  if (!Number.isInteger(pid) || Math.abs(pid) <= 1) return;
  try {
    process.kill(pid, name);
  } catch {
    // gone, or never was ours
  }
}

/** Sends a signal to all of a tree, again until no process appears that was not seen before: it may be forking meanwhile. */
export function signalTree(root: number, name: NodeJS.Signals): void {
  const sent = new Set<number>();
  for (let round = 0; round < 8; round++) {
    const fresh = treeOf(root).filter((pid) => !sent.has(pid));
    if (fresh.length === 0) return;
    for (const pid of fresh) {
      signal(pid, name);
      sent.add(pid);
    }
  }
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
