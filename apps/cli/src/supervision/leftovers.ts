import { readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { writePrivately } from '../world/settings.js';
import { commandLine, isGone, isSameProcess, signal } from './process-table.js';

const Running = z.array(z.object({ name: z.string(), pid: z.number().int().min(2), startedAt: z.string(), file: z.string() }));

/** A process that this world runs, as the next start will recognise it. */
export type RunningProcess = z.infer<typeof Running>[number];

const endMs = 5_000;

/** Notes what runs now. A note that cannot be written (a full disk) stops nothing: processes end by themselves when we are gone. */
export function noteRunning(path: string, running: readonly RunningProcess[]): void {
  try {
    writePrivately(path, JSON.stringify(running));
  } catch {
    rmSync(`${path}.new`, { force: true });
  }
}

/**
 * Ends what a supervisor that was killed left behind, and returns the names. A process is ended only when id, start time and command line
 * are as noted, so never somebody else's.
 */
export async function endLeftovers(path: string): Promise<string[]> {
  const left = read(path).filter(({ pid, startedAt, file }) => isSameProcess(pid, startedAt) && commandLine(pid).includes(file));
  await Promise.all(left.map(end));
  rmSync(path, { force: true });
  return left.map(({ name }) => name);
}

async function end({ name, pid, startedAt }: RunningProcess): Promise<void> {
  signal(pid, name.endsWith('.postgres') ? 'SIGINT' : 'SIGTERM');
  if (await isGone(pid, startedAt, endMs)) return;
  signal(pid, 'SIGKILL');
  await isGone(pid, startedAt, endMs);
}

function read(path: string): RunningProcess[] {
  try {
    return Running.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return []; // None was written, or not whole: processes that nobody noted end by their lifeline.
  }
}
