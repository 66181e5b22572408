/** How `status`, `kill` and `start` talk to the supervisor: HTTP on a socket that only its owner can open. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { Refusal } from '../refusal.js';
import { roles, type ProcessStatus } from './unit.js';

const Status = z.object({
  url: z.string(),
  folder: z.string(),
  pid: z.number(),
  regions: z.array(z.object({ id: z.string(), url: z.string(), replicationUrl: z.string(), killed: z.boolean() })),
  processes: z.array(
    z.object({
      name: z.string(),
      role: z.enum(roles),
      region: z.string().optional(),
      state: z.enum(['starting', 'running', 'restarting', 'stopped']),
      pid: z.number().optional(),
      restarts: z.number(),
      sinceMs: z.number(),
    }),
  ),
});

/** What a supervisor says of its world. */
export type WorldStatus = Omit<z.infer<typeof Status>, 'processes'> & { readonly processes: readonly ProcessStatus[] };

/** What can be asked of a running world. */
export interface WorldControl {
  status(): WorldStatus;
  /** Kills every process of a region; it stays down until it is started. Throws Refusal for an unknown one. */
  kill(region: string): Promise<void>;
  /** Starts a region and resolves when it serves. */
  start(region: string): Promise<void>;
}

const answerMs = 120_000;

/** Listens for commands; returns what ends that. */
export async function serveControl(path: string, world: WorldControl): Promise<() => Promise<void>> {
  rmSync(path, { force: true });
  const server = createServer((req, res) => void answer(world, req, res));
  await listen(server, path);
  chmodSync(path, 0o600);
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(path, { force: true });
  };
}

/** The world that runs behind a socket; a request throws Refusal when none does. */
export function connectControl(
  path: string,
  folder: string,
): { status(): Promise<WorldStatus>; kill(region: string): Promise<void>; start(region: string): Promise<void> } {
  return {
    status: async () => Status.parse(await ask(path, folder, 'GET', '/status')) as WorldStatus,
    kill: async (region) => void (await ask(path, folder, 'POST', `/regions/${encodeURIComponent(region)}/kill`)),
    start: async (region) => void (await ask(path, folder, 'POST', `/regions/${encodeURIComponent(region)}/start`)),
  };
}

async function answer(world: WorldControl, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [, id = '', verb] = /^\/regions\/([^/]+)\/(kill|start)$/.exec(req.url ?? '') ?? [];
  try {
    const region = decodeURIComponent(id);
    if (req.method === 'GET' && req.url === '/status') return reply(res, 200, world.status());
    if (req.method !== 'POST' || verb === undefined) return reply(res, 404, { error: 'nothing is known by that name' });
    await (verb === 'kill' ? world.kill(region) : world.start(region));
    reply(res, 200, {});
  } catch (error) {
    reply(res, error instanceof Refusal ? 409 : 500, { error: error instanceof Error ? error.message : String(error) });
  }
}

function reply(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function ask(socketPath: string, folder: string, method: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, method, path, agent: false, signal: AbortSignal.timeout(answerMs) });
    req.once('error', (cause) => reject(unreachable(cause, folder)));
    req.once('response', (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.once('error', (cause) => reject(unreachable(cause, folder)));
      res.once('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { error?: string };
        if (res.statusCode === 200) resolve(body);
        else reject(new Refusal(body.error ?? `the supervisor answered ${res.statusCode}`));
      });
    });
    req.end();
  });
}

function unreachable(cause: Error, folder: string): Refusal {
  if (cause.name === 'TimeoutError' || cause.name === 'AbortError')
    return new Refusal(`the world in ${folder} did not answer within ${answerMs / 1000} s`, 1, { cause });
  return notRunning(folder);
}

/** The line for a world that does not run. */
export function notRunning(folder: string): Refusal {
  return new Refusal(`no world runs in ${folder}: start one with \`npm start\`, or name its folder with --data`);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
