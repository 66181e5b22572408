/** Which processes make a world, with what environment: settings in, plain values out. The variables' schemas stand in libs/config. */
import { join } from 'node:path';
import type { World } from '#libs/domain';
import type { Role } from '../supervision/unit.js';
import type { DataFolder } from './folder.js';
import type { Settings } from './settings.js';

/** Where a region's REST API listens: this far above the router, in the order of the regions. */
export const firstRegionOffset = 8;

/** The queue of record of every region. */
export type Queue =
  | { readonly kind: 'postgres' }
  /** Brokers by region id. */
  | { readonly kind: 'kafka'; readonly brokers: Readonly<Record<string, readonly string[]>> };

/** What a plan is made of. */
export interface PlanInput {
  readonly folder: DataFolder;
  readonly settings: Settings;
  readonly world: World;
  readonly limits: string;
  readonly queue: Queue;
  /** Database URL of each region, by its id. */
  readonly databases: Readonly<Record<string, string>>;
  /** Variables for every process, such as PATH; what the plan says wins. */
  readonly base: Readonly<Record<string, string>>;
  /** Kinds of runtimes that actions may have. */
  readonly kinds: readonly string[];
  /** Variables by which npm finds its registry, for the spawners, which bring runtimes from there. */
  readonly npm: Readonly<Record<string, string>>;
}

/** One process of ours: its app's folder below `apps`, and its environment. */
export interface PlannedProcess {
  readonly name: string;
  readonly role: Exclude<Role, 'postgres' | 'kafka'>;
  readonly region?: string;
  readonly app: 'router' | 'region' | 'replication' | 'spawner';
  readonly env: Readonly<Record<string, string>>;
}

const loopback = '127.0.0.1/32,::1/128';

/** All processes but Postgres. */
export function planWorld(input: PlanInput): PlannedProcess[] {
  const { settings, world } = input;
  const router: PlannedProcess = {
    name: 'router',
    role: 'router',
    app: 'router',
    env: {
      ...everywhere(input),
      ISOCHRONE_HOST: '127.0.0.1',
      ISOCHRONE_PORT: String(settings.port),
      ISOCHRONE_TRUSTED_PROXIES: loopback,
      ISOCHRONE_ADMIN_TOKEN: settings.adminToken,
      ISOCHRONE_DRAIN_NOTICE_MS: '0',
      ISOCHRONE_DRAIN_MS: '4000',
    },
  };
  return [router, ...world.regions.flatMap(({ id }) => planRegion(input, id))];
}

/** The sockets of a region's spawner and invoker. Named by the region's code, because a socket's path must be short. */
export function regionSockets(
  { folder, settings }: Pick<PlanInput, 'folder' | 'settings'>,
  region: string,
): { spawner: string; invoker: string } {
  const code = settings.codes[region] ?? 0;
  return { spawner: join(folder.sockets, `${code}.spawner`), invoker: join(folder.sockets, `${code}.invoker`) };
}

/** The TLS files of a region's replication service. */
export function regionTls(folder: DataFolder, region: string): { cert: string; key: string; ca: string } {
  const own = folder.region(region, 'tls');
  return { cert: join(own, 'cert.pem'), key: join(own, 'tls.key'), ca: join(folder.authority, 'ca.pem') };
}

function planRegion(input: PlanInput, region: string): PlannedProcess[] {
  const { folder, settings, world, limits } = input;
  const sockets = regionSockets(input, region);
  const tls = regionTls(folder, region);
  const inRegion = { ...everywhere(input), ...storage(input, region) };
  const frameToken = settings.frameTokens[region] ?? '';
  const app = {
    ...inRegion,
    ISOCHRONE_LIMITS: limits,
    ISOCHRONE_KINDS: input.kinds.join(','),
    ISOCHRONE_HOST: '127.0.0.1',
    ISOCHRONE_API_HOST: world.url,
    ISOCHRONE_TRUSTED_PROXIES: loopback,
    ISOCHRONE_FRAME_TOKEN: frameToken,
    ISOCHRONE_ADMIN_TOKEN: settings.adminToken,
    ISOCHRONE_DRAIN_MS: '5000',
  };
  const planned = (role: PlannedProcess['role'], name: PlannedProcess['app'], env: PlannedProcess['env']): PlannedProcess => ({
    name: `${region}.${role}`,
    role,
    region,
    app: name,
    env,
  });
  return [
    planned('spawner', 'spawner', {
      ...input.npm,
      ...input.base,
      ISOCHRONE_SPAWNER_LISTEN: `unix:${sockets.spawner}`,
      ISOCHRONE_SANDBOX_DIR: join(folder.sandboxes, String(settings.codes[region] ?? 0)),
      ISOCHRONE_RUNTIMES_DIR: folder.runtimes,
      ISOCHRONE_SANDBOX_UID: String(200_000 + 1000 * (settings.codes[region] ?? 0)),
      ISOCHRONE_FRAME_TOKEN: frameToken,
    }),
    planned('controller', 'region', {
      ...app,
      ISOCHRONE_ROLES: 'controller,kafka',
      ISOCHRONE_DEV_TOKEN: settings.devToken,
      ISOCHRONE_NAME: 'controller-0',
      ISOCHRONE_PORT: String(settings.port + firstRegionOffset + settings.regions.indexOf(region)),
      ISOCHRONE_INVOKERS: `unix:${sockets.invoker}`,
    }),
    planned('invoker', 'region', {
      ...app,
      ISOCHRONE_ROLES: 'invoker',
      ISOCHRONE_NAME: 'invoker-0',
      ISOCHRONE_PORT: '0',
      ISOCHRONE_INVOKER_LISTEN: `unix:${sockets.invoker}`,
      ISOCHRONE_SPAWNER: `unix:${sockets.spawner}`,
      ISOCHRONE_JOURNAL: folder.region(region, 'journal'),
    }),
    planned('replication', 'replication', {
      ...inRegion,
      ISOCHRONE_HOST: '127.0.0.1',
      ISOCHRONE_PORT: String(settings.ports[`${region}.replication`] ?? 0),
      ISOCHRONE_TLS_CERT: tls.cert,
      ISOCHRONE_TLS_KEY: tls.key,
      ISOCHRONE_TLS_CA: tls.ca,
    }),
  ];
}

function everywhere({ folder, base, settings: { domain } }: PlanInput): Record<string, string> {
  const hosts = domain === undefined ? {} : { ISOCHRONE_DOMAIN: domain };
  return { ...base, ISOCHRONE_WORLD: folder.world, ISOCHRONE_PROFILE: 'local', ...hosts };
}

function storage({ folder, databases, queue, settings }: PlanInput, region: string): Record<string, string> {
  return {
    ISOCHRONE_REGION: region,
    ISOCHRONE_DATABASE_URL: databases[region] ?? '',
    ISOCHRONE_BLOBS: `file:${folder.region(region, 'blobs')}`,
    ISOCHRONE_REGION_KEY: folder.region(region, 'region.key'),
    ISOCHRONE_QUEUE: queue.kind,
    ...(queue.kind === 'kafka' && {
      ISOCHRONE_KAFKA_BROKERS: (queue.brokers[region] ?? []).join(','),
      ISOCHRONE_KAFKA_PREFIX: `isochrone-${settings.id.slice(0, 8)}-${region}.`,
    }),
  };
}
