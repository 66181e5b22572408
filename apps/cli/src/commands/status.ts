import { z } from 'zod';
import { connectControl, type WorldStatus } from '../supervision/control.js';
import { probe } from '../supervision/probes.js';
import { regionTls } from '../world/plan.js';
import type { DataFolder } from '../world/folder.js';
import { readArguments, type Command } from './command.js';
import { findLiveWorld } from './live-world.js';

const Health = z.object({
  ready: z.boolean(),
  warnings: z.array(z.string()).default([]),
  checks: z.record(z.string(), z.unknown()).default({}),
});
const Peers = z.object({
  peers: z.array(
    z.object({ region: z.string(), lagMs: z.number().optional(), pending: z.number().optional(), state: z.string().optional() }),
  ),
});

/** Shows the regions of a running world, their processes and health, and how far each is behind the others. Exit code 1 unless all is well. */
export const status: Command = {
  usage: 'status [--data DIR]',
  about: 'show regions, processes, health and replication lag',
  async run(surroundings) {
    const { where } = readArguments(surroundings, status.usage, []);
    findLiveWorld(where);
    const world = await connectControl(where.folder.control, where.folder.path).status();
    const router = await readHealth(`${world.url}/health/ready`);
    surroundings.print(`${world.url}  ${router.text}  (supervisor ${world.pid}, data in ${world.folder})`);
    surroundings.print(processLines(world, undefined).join('\n'));
    const reports = await Promise.all(world.regions.map((region) => report(where.folder, world, region)));
    for (const { lines } of reports) surroundings.print(`\n${lines.join('\n')}`);
    return router.ready && reports.every(({ well }) => well) ? 0 : 1;
  },
};

async function report(folder: DataFolder, world: WorldStatus, { id, url, replicationUrl, killed }: WorldStatus['regions'][number]) {
  const health = killed
    ? { ready: false, text: `down: \`isochrone start ${id}\` brings it back`, warnings: [] }
    : await readHealth(`${url}/health/ready`);
  // A replication service tells its peers alone, so a neighbour's certificate asks.
  const neighbour = world.regions.find((region) => region.id !== id);
  const lag = killed || !neighbour ? [] : await lagLines(replicationUrl, regionTls(folder, neighbour.id));
  const warnings = health.warnings.map((warning) => `  warning: ${warning}`);
  return { well: health.ready, lines: [`${id}  ${url}  ${health.text}`, ...processLines(world, id), ...lag, ...warnings] };
}

function processLines({ processes }: WorldStatus, region: string | undefined): string[] {
  return processes
    .filter((process) => process.region === region)
    .map(({ role, state, pid, restarts, sinceMs }) => {
      const age = `for ${Math.max(0, Math.round((Date.now() - sinceMs) / 1000))} s`;
      const again = restarts === 0 ? '' : `, started again ${restarts} time${restarts === 1 ? '' : 's'}`;
      return `  ${role.padEnd(12)} ${state.padEnd(10)} ${age}${pid === undefined ? '' : `, process ${pid}`}${again}`;
    });
}

async function lagLines(url: string, tls: ReturnType<typeof regionTls>): Promise<string[]> {
  const answer = await probe(`${url}/repl/v1/status`, tls);
  const parsed = Peers.safeParse(answer?.body);
  if (!parsed.success) return ['  changes for other regions: unknown, the replication service does not tell'];
  return parsed.data.peers.map(({ region, pending, lagMs = 0, state }) => {
    if (pending === undefined) return `  changes for ${region}: nothing is known yet`;
    const behind = pending === 0 ? 'none wait' : `${pending} wait, the oldest for ${Math.round(lagMs)} ms`;
    return `  changes for ${region}: ${behind}${state === 'open' ? ' (it cannot be reached)' : ''}`;
  });
}

async function readHealth(url: string): Promise<{ ready: boolean; text: string; warnings: string[] }> {
  const answer = await probe(url);
  if (!answer) return { ready: false, text: 'does not answer', warnings: [] };
  const parsed = Health.safeParse(answer.body);
  if (answer.status === 200) return { ready: true, text: 'ready', warnings: parsed.data?.warnings ?? [] };
  const failing = Object.entries(parsed.data?.checks ?? {}).filter(([, check]) => check !== true && check !== 'ok');
  const because = failing.length === 0 ? '' : ` (${failing.map(([name]) => name).join(', ')})`;
  return { ready: false, text: `not ready${because}`, warnings: parsed.data?.warnings ?? [] };
}
