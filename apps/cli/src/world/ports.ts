import { createServer } from 'node:net';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { commandLine } from '../supervision/process-table.js';

/** Whether a port of 127.0.0.1 can be listened on now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that is free now, chosen by the system; never one of `taken`. */
export async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen({ port: 0, host: '127.0.0.1' }, () => {
        const address = server.address();
        server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
      });
    });
    if (port !== 0 && !taken.has(port)) return port;
  }
}

/** A port for every name: the one it had before where that is still free, else a new one. `taken` ports are nobody's. */
export async function assignPorts(
  names: readonly string[],
  before: Readonly<Record<string, number>>,
  taken: readonly number[],
): Promise<Record<string, number>> {
  const used = new Set(taken);
  const assigned: Record<string, number> = {};
  for (const name of names) {
    const old = before[name];
    const port = old !== undefined && !used.has(old) && (await isFree(old)) ? old : await freePort(used);
    used.add(port);
    assigned[name] = port;
  }
  return assigned;
}

/** Who listens on a port, for a message: `process 42 (node server.js)`; undefined where this user cannot tell. */
export function listenerOf(port: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const inode = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeners(file, port))[0];
  if (inode === undefined) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (holdsSocket(pid, inode)) return `process ${pid} (${commandLine(Number(pid)).slice(0, 80)})`;
  }
  return undefined;
}

/** Inodes of the sockets that listen (state 0A) on a port, from a table of the kernel. */
function listeners(file: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return read(file)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === '0A')
    .flatMap((fields) => fields[9] ?? []);
}

function holdsSocket(pid: string, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => link(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`);
  } catch {
    return false; // It ended, or belongs to another user.
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
