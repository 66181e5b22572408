import { existsSync } from 'node:fs';
import { readWorld } from '#libs/config';
import type { World } from '#libs/domain';
import { Refusal } from '../refusal.js';
import { ensureAuthority, ensureCertificate } from './certificates.js';
import type { DataFolder } from './folder.js';
import { completeSecrets, guest, system } from './guest.js';
import { checkRegions, describeWorld } from './geography.js';
import { firstRegionOffset } from './plan.js';
import { assignPorts, isFree, listenerOf } from './ports.js';
import { ensureRegionKey } from './region-key.js';
import { corrupt, newSettings, newToken, readSettings, withCodes, writePrivately, writeSettings, type Settings } from './settings.js';

/** What somebody asks of a start; what is left open is as it was the last time. */
export interface WorldWish {
  readonly regions?: readonly string[] | undefined;
  readonly port?: number | undefined;
  readonly kafka: boolean;
  /** An empty text for none. */
  readonly domain?: string | undefined;
}

/** A world that is ready to be started. */
export interface PreparedWorld {
  readonly settings: Settings;
  readonly world: World;
}

/** Names of the ports on loopback that a region needs beside its REST API. */
const internalPorts = ['postgres', 'replication'] as const;
const kafkaPorts = ['kafka', 'kafka-controller'] as const;

/** Makes or completes everything a world needs before its first process: ports, codes, secrets, certificates, world.json. */
export async function prepareWorld(
  folder: DataFolder,
  wish: WorldWish,
  standard: { regions: readonly string[]; port: number },
): Promise<PreparedWorld> {
  const before = readSettings(folder);
  checkWorldFile(folder);
  if (before && before.begun.length > 0) folder.keepReachable(before.outside);
  const known = before ?? newSettings(Date.now());
  const remembered = before && before.regions.length > 0 ? before.regions : standard.regions;
  const regions = [...checkRegions(wish.regions ?? remembered)];
  const port = wish.port ?? (before ? before.port : standard.port);
  const open = await checkOpenPorts(port, regions.length);

  const names = regions.flatMap((id) => [...internalPorts, ...(wish.kafka ? kafkaPorts : [])].map((what) => `${id}.${what}`));
  const elsewhere = folder.elsewhere;
  const settings: Settings = {
    ...known,
    ...(elsewhere === undefined ? {} : { outside: elsewhere }),
    begun: begunRegions(folder, known),
    port,
    domain: (wish.domain ?? known.domain) || undefined,
    regions,
    codes: withCodes(known.codes, regions),
    ports: { ...known.ports, ...(await assignPorts(names, known.ports, open)) },
    frameTokens: { ...Object.fromEntries(regions.map((id) => [id, newToken()])), ...known.frameTokens },
  };
  writeSettings(folder, settings);
  folder.claimReachable(settings.id);
  const publicKeys = Object.fromEntries(regions.map((id) => [id, regionKey(folder, id)]));
  const authority = await ensureAuthority(folder.authority, Date.now());
  await Promise.all(regions.map((id) => ensureCertificate(folder.region(id, 'tls'), id, authority, Date.now())));
  const world = describeWorld(settings, publicKeys);
  const complete = {
    ...settings,
    guest: completeSecrets(guest, settings.guest, world),
    system: completeSecrets(system, settings.system, world),
  };
  writeSettings(folder, complete);
  writePrivately(folder.world, `${JSON.stringify(world, null, 2)}\n`, 0o644);
  return { settings: complete, world };
}

/** Remembers, once all is up, that every region has its database. */
export function noteBegun(folder: DataFolder, settings: Settings): void {
  writeSettings(folder, { ...settings, begun: begunRegions(folder, settings) });
}

/** Regions that have a database. Throws where one had it and has it no more: an empty one in its place would look like a world without data. */
function begunRegions(folder: DataFolder, { begun, codes }: Settings): string[] {
  for (const id of begun) {
    if (!existsSync(folder.postgres(id))) throw corrupt(folder.postgres(id), `it is missing, though ${id} had its database there`);
  }
  return Object.keys(codes).filter((id) => existsSync(folder.postgres(id)));
}

/** A region that has data has a key: a new one in place of a lost one could not read any of it. */
function regionKey(folder: DataFolder, region: string): string {
  const file = folder.region(region, 'region.key');
  if (!existsSync(file) && existsSync(folder.postgres(region)))
    throw corrupt(file, `it is missing, and the data of ${region} cannot be read without it`);
  return ensureRegionKey(file);
}

/** A damaged world.json is not overwritten in silence: whoever damaged it may have damaged more. */
function checkWorldFile(folder: DataFolder): void {
  if (!existsSync(folder.world)) return;
  try {
    readWorld(folder.world);
  } catch (cause) {
    throw corrupt(folder.world, cause instanceof Error ? cause.message : String(cause));
  }
}

/** The ports that callers use: given by arithmetic, so one that is taken ends the start. */
async function checkOpenPorts(port: number, regions: number): Promise<number[]> {
  const ports = [port, ...Array.from({ length: regions }, (_, index) => port + firstRegionOffset + index)];
  if (ports.some((each) => each > 65_535)) throw new Refusal(`--port ${port} leaves no room for the regions' ports above it`, 2);
  for (const each of ports) {
    if (await isFree(each)) continue;
    const who = listenerOf(each);
    throw new Refusal(`port ${each} is in use${who === undefined ? '' : ` by ${who}`}: end that, or choose other ports with --port`);
  }
  return ports;
}
