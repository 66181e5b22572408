import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { World } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { Broker } from '../supervision/broker.js';
import { Child, type ProcessSpec } from '../supervision/child.js';
import { listens, probe } from '../supervision/probes.js';
import type { Unit } from '../supervision/unit.js';
import type { DataFolder } from './folder.js';
import { wellKnownRows } from './guest.js';
import type { RegionUnits, WorldUnits } from './local-world.js';
import { findPostgres } from './native.js';
import { planWorld, regionSockets, regionTls, type PlannedProcess, type Queue } from './plan.js';
import { Cluster } from './postgres.js';
import { writeSeeds } from './seeds.js';
import type { Settings } from './settings.js';

/** The compiled `apps` folder. */
const apps = fileURLToPath(new URL('../../../', import.meta.url));
const lifeline = new URL('../supervision/lifeline.js', import.meta.url).href;

/** How long each role may take to end by itself; together well below a minute. */
const stopMs = { router: 6_000, controller: 8_000, invoker: 8_000, replication: 5_000, spawner: 5_000, postgres: 8_000 } as const;

/** What the units of a world are made of. */
export interface AssemblyInput {
  readonly folder: DataFolder;
  readonly settings: Settings;
  readonly world: World;
  readonly limits: string;
  /** `own`: a broker for each region; a list: brokers that run already. */
  readonly kafka: 'none' | 'own' | readonly string[];
  readonly base: Readonly<Record<string, string>>;
  readonly kinds: readonly string[];
  readonly npm: Readonly<Record<string, string>>;
  readonly logger: Logger;
  /** Called whenever a process began or ended. */
  readonly changed: () => void;
}

/** The units of a world, none of them started, and the logs they write. */
export function assembleWorld(input: AssemblyInput): { units: WorldUnits; logs: string[] } {
  const { folder, settings, world, base, kinds, npm } = input;
  const programs = findPostgres();
  const ids = world.regions.map(({ id }) => id as string);
  const clusters = new Map(
    ids.map((id) => [
      id,
      new Cluster({
        programs,
        folder: folder.postgres(id),
        port: settings.ports[`${id}.postgres`] ?? 0,
        password: settings.databasePassword,
      }),
    ]),
  );
  const databases = Object.fromEntries([...clusters].map(([id, cluster]) => [id, cluster.url]));
  const planned = planWorld({ folder, settings, world, limits: input.limits, queue: queueOf(input), databases, base, kinds, npm });
  const unitOf = (wanted: string): Unit => {
    const process = planned.find(({ name }) => name === wanted);
    if (!process) throw new Error(`the plan has no process '${wanted}'`);
    return new Child(specOf(input, process), input.logger, input.changed);
  };
  const regions = [...clusters].map(([id, cluster]): RegionUnits => ({
    id,
    stores: [new Child(postgresSpec(input, id, cluster), input.logger, input.changed), ...brokerOf(input, id)],
    spawner: unitOf(`${id}.spawner`),
    services: ['controller', 'invoker', 'replication'].map((role) => unitOf(`${id}.${role}`)),
    seed: () => writeSeeds(cluster.url, wellKnownRows(settings), input.logger),
  }));
  const logs = [
    ...planned.map(({ name }) => folder.log(name)),
    ...ids.flatMap((id) => [folder.log(`${id}.postgres`), brokerLog(folder, id)]),
  ];
  return { units: { router: unitOf('router'), regions }, logs: [...logs, folder.log('supervisor')] };
}

function queueOf({ kafka, settings, world }: AssemblyInput): Queue {
  if (kafka === 'none') return { kind: 'postgres' };
  const own = (id: string) => [`127.0.0.1:${settings.ports[`${id}.kafka`] ?? 0}`];
  return { kind: 'kafka', brokers: Object.fromEntries(world.regions.map(({ id }) => [id, kafka === 'own' ? own(id) : kafka])) };
}

function brokerOf({ kafka, folder, settings, changed }: AssemblyInput, region: string): Unit[] {
  if (kafka !== 'own') return [];
  const port = settings.ports[`${region}.kafka`] ?? 0;
  const controllerPort = settings.ports[`${region}.kafka-controller`] ?? 0;
  return [new Broker(region, { folder: folder.region(region, 'kafka'), port, controllerPort }, changed)];
}

function brokerLog(folder: DataFolder, region: string): string {
  return join(folder.region(region, 'kafka'), 'broker.log');
}

function postgresSpec({ folder, base }: AssemblyInput, region: string, cluster: Cluster): ProcessSpec {
  const name = `${region}.postgres`;
  const { file, args, user } = cluster.command;
  return {
    name,
    role: 'postgres',
    region,
    file,
    args,
    user,
    env: { PATH: base['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    stop: { signal: 'SIGINT', withinMs: stopMs.postgres },
    log: folder.log(name),
    prepare: () => cluster.prepare(),
    ready: () => cluster.answers(),
  };
}

function specOf(input: AssemblyInput, { name, role, region, app, env }: PlannedProcess): ProcessSpec {
  return {
    name,
    role,
    ...(region !== undefined && { region }),
    file: process.execPath,
    args: ['--enable-source-maps', '--import', lifeline, join(apps, app, 'src', 'main.js')],
    env,
    stop: { signal: 'SIGTERM', withinMs: stopMs[role] },
    log: input.folder.log(name),
    ready: readyOf(input, role, region),
  };
}

/** What shows that a process does its work. The router works before the regions do. */
function readyOf({ folder, settings, world }: AssemblyInput, role: PlannedProcess['role'], region = ''): () => Promise<boolean> {
  const sockets = regionSockets({ folder, settings }, region);
  const here = world.regions.find(({ id }) => id === region);
  const ok = async (url: string, tls?: Parameters<typeof probe>[1]) => (await probe(url, tls))?.status === 200;
  const probes: Record<PlannedProcess['role'], () => Promise<boolean>> = {
    router: () => ok(`${world.url}/health/live`),
    controller: () => ok(`${here?.url ?? ''}/health/ready`),
    replication: () => ok(`${here?.replicationUrl ?? ''}/health/ready`, regionTls(folder, region)),
    invoker: () => listens(sockets.invoker),
    spawner: () => listens(sockets.spawner),
  };
  return probes[role];
}
