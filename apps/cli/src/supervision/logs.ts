import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs';

/** A log beyond this size moves to `<name>.1`, whose former content is dropped: two such files a process are all there is. */
const logBytesMax = 16 * 1024 * 1024;
const checkMs = 5_000;

/** Opens a log for appending; a child that gets it writes there by itself, whatever becomes of this process. */
export function openLog(path: string): number {
  return openSync(path, 'a', 0o600);
}

/** Keeps logs bounded until the returned function is called. `paths` is asked anew each time. */
export function boundLogs(paths: () => readonly string[]): () => void {
  const timer = setInterval(() => {
    for (const path of paths()) rotate(path);
  }, checkMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Moves a log aside when it is too long. Its writers append, so they go on at the start of the emptied file. */
export function rotate(path: string, bytesMax = logBytesMax): void {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= bytesMax) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  } catch {
    truncateQuietly(path); // A full disk leaves no room for the copy: the log gives way.
  }
}

/** The last lines of a log, at most `bytes` of them. */
export function tail(path: string, bytes = 8192): string {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(bytes, size));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

/** The last thing a process had to say, in one line: its last message or error, without the stack below it. */
export function lastWords(path: string): string {
  const lines = tail(path)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const telling = lines.findLast((line) => line.startsWith('{"') || /error|fatal|cannot|failed/i.test(line)) ?? lines.at(-1) ?? '';
  try {
    const { message, cause } = JSON.parse(telling) as { message?: unknown; cause?: unknown };
    const because = typeof cause === 'string' ? `: ${cause.split('\n')[0] ?? ''}` : '';
    return typeof message === 'string' ? `${message}${because}` : telling;
  } catch {
    return telling.trim();
  }
}

function truncateQuietly(path: string): void {
  try {
    truncateSync(path);
  } catch {
    // It is gone, or not ours any more: there is nothing to bound.
  }
}
