import { readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { writePrivately } from '../world/settings.js';
import type { Running } from './unit.js';
import { commandLine, isGone, isSameProcess, signal } from './process-table.js';

const Noted = z.array(z.object({ name: z.string(), pid: z.number().int().min(2), startedAt: z.string(), file: z.string() }));

const endMs = 5_000;
/** Processes of ours may give themselves a title that begins so, which takes the place of their command line. */
const title = 'isochrone ';

/** Notes what runs now. A note that cannot be written (a full disk) stops nothing: processes end by themselves when we are gone. */
export function noteRunning(path: string, running: readonly Running[]): void {
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
  const left = read(path).filter(({ pid, startedAt, file }) => {
    const command = commandLine(pid);
    return isSameProcess(pid, startedAt) && (command.includes(file) || command.startsWith(title));
  });
  await Promise.all(left.map(end));
  rmSync(path, { force: true });
  return left.map(({ name }) => name);
}

async function end({ name, pid, startedAt }: Running): Promise<void> {
  signal(pid, name.endsWith('.postgres') ? 'SIGINT' : 'SIGTERM');
  if (await isGone(pid, startedAt, endMs)) return;
  signal(pid, 'SIGKILL');
  await isGone(pid, startedAt, endMs);
}

function read(path: string): Running[] {
  try {
    return Noted.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return []; // None was written, or not whole: processes that nobody noted end by their lifeline.
  }
}
