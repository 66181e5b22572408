import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Refusal } from '../refusal.js';
import { isSameProcess, startedAt } from '../supervision/process-table.js';

/** Makes this process the only one that runs the world of a folder; throws while another does. A lock of a dead process is taken over. */
export function takeLock(path: string, folder: string): () => void {
  const own = `${path}.${process.pid}`;
  const mine = JSON.stringify({ pid: process.pid, startedAt: startedAt(process.pid) });
  writeFileSync(own, mine, { mode: 0o600 });
  try {
    for (let tries = 0; tries < 10; tries += 1) {
      try {
        linkSync(own, path);
        return () => {
          if (readOr(path) === mine) rmSync(path, { force: true });
        };
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
      const found = readOr(path);
      const holder = livingHolder(found);
      if (holder !== undefined) {
        throw new Refusal(
          `a world runs in ${folder} already (process ${holder}): stop it first, or give this one another folder with --data`,
        );
      }
      setAside(path, found);
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw new Refusal(`the lock of ${folder} changes hands all the time: are several starts fighting for it?`);
}

/** The process that holds a lock, where it lives. */
export function holderOf(path: string): number | undefined {
  return livingHolder(readOr(path));
}

/** Removes a dead lock; one that a faster start put in its place meanwhile goes back. */
function setAside(path: string, dead: string | undefined): void {
  const aside = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, aside);
    if (readOr(aside) !== dead) linkSync(aside, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EEXIST'))) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function livingHolder(text: string | undefined): number | undefined {
  try {
    const { pid, startedAt } = JSON.parse(text ?? '') as { pid: number; startedAt: string };
    return isSameProcess(pid, startedAt) ? pid : undefined;
  } catch {
    return undefined; // An unreadable lock was being written when its owner died.
  }
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
