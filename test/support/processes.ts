import { readFileSync, readdirSync } from 'node:fs';

/** Processes whose command line or environment names a folder, as `id command`; none of another user where this one is not root. */
export function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`);
      return `${command}${read(`/proc/${pid}/environ`)}`.includes(folder) ? [`${pid} ${command.replaceAll('\0', ' ').slice(0, 120)}`] : [];
    });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It ended meanwhile.
  }
}
