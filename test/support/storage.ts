/** Storage of one region of a throw-away world, on a real Postgres. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import {
  activationId,
  asJsonText,
  toJsonText,
  type ActivationId,
  type ActivationRecord,
  type NamespaceId,
  type RegionCode,
  type RegionId,
  type World,
} from '#libs/domain';
import { newRegionKey, openStorage, type Storage, type StorageConfig } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { PostgresServer } from './postgres-server.js';

export interface TestStorage {
  readonly server: PostgresServer;
  readonly world: World;
  readonly storage: Storage;
  /** What opens the same storage again, as another process would. */
  readonly config: StorageConfig;
  /** Opens the storage of the world's other region, on a database of its own. */
  openOther(): Promise<Storage>;
  /** Opens the same storage as `storage` did when the world had one region only. */
  openAlone(): Promise<Storage>;
  close(): Promise<void>;
}

/** Starts a Postgres and opens the storage of region `us-east-1` of a world of two regions. */
export async function startStorage(): Promise<TestStorage> {
  const server = await PostgresServer.start();
  const folder = mkdtempSync(join(tmpdir(), 'isochrone-storage-'));
  const remove = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return await open(server, folder, remove);
  } catch (cause) {
    await remove();
    throw cause;
  }
}

async function open(server: PostgresServer, folder: string, remove: () => Promise<void>): Promise<TestStorage> {
  const keys = [newRegionKey(), newRegionKey()] as const;
  const [regionKeyFile, otherKeyFile] = keys.map(({ privatePem }, i) => {
    const file = join(folder, `region-${i}.pem`);
    writeFileSync(file, privatePem, { mode: 0o600 });
    return file;
  }) as [string, string];
  const [first, second] = (['us-east-1', 'eu-west-1'] as const).map((id, i) => ({
    id: id as string as RegionId,
    code: (i + 1) as RegionCode,
    place: { lat: 0, lon: i, name: id },
    url: `http://127.0.0.1:${i + 1}`,
    replicationUrl: `https://127.0.0.1:${i + 1}`,
    publicKey: keys[i]?.publicKey ?? '',
  }));
  if (!first || !second) throw new Error('two regions');
  const world: World = { name: 'test', url: 'http://127.0.0.1:3', defaultRegion: first.id, regions: [first, second] };
  const config: StorageConfig = {
    databaseUrl: await server.createDatabase('isochrone'),
    blobs: `file:${folder}/blobs`,
    region: first,
    world,
    regionKeyFile,
    logger: new Logger({}, 'error'),
  };
  const storage = await openStorage(config);
  const other = {
    ...config,
    databaseUrl: await server.createDatabase('other'),
    blobs: `file:${folder}/other`,
    region: second,
    regionKeyFile: otherKeyFile,
  };
  return {
    server,
    world,
    storage,
    config,
    openOther: () => openStorage(other),
    openAlone: () => openStorage({ ...config, world: { ...world, regions: [first] } }),
    close: async () => {
      await storage.close();
      await remove();
    },
  };
}

export const aNamespace = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502' as NamespaceId;

/** A new activation id of region 1, accepted now. */
export function anActivationId(acceptedAtMs = Date.now()): ActivationId {
  return activationId(1 as RegionCode, acceptedAtMs, randomBytes(9).toString('hex'));
}

/** A finished record with plausible values. */
export function aRecord(id: ActivationId, more: Partial<ActivationRecord> = {}): ActivationRecord {
  return {
    activationId: id,
    ns: aNamespace,
    namespace: 'guest',
    name: 'a',
    filterName: 'a',
    version: '0.0.1',
    subject: 'guest',
    start: Date.now(),
    end: Date.now() + 2,
    duration: 2,
    response: { statusCode: 0, result: asJsonText('{"ok":true}'), size: 11 },
    logs: ['line'],
    annotations: [{ key: 'path', value: toJsonText('guest/a') }],
    trace: { transid: 'transid', region: 'us-east-1', start: 'warm', waitMs: 1, attempt: 1 },
    ...more,
  };
}
