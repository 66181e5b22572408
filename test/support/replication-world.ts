import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readEnv, ReplicationEnv } from '#libs/config';
import { kinds, spaces, toJsonText, type EntityId, type EntityKey, type NamespaceId } from '#libs/domain';
import { openRegionStorage, type Storage } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { Agent, request } from 'undici';
import { Authority, type Pair } from './certificates.js';
import { freePort } from './ports.js';
import { PostgresServer } from './postgres-server.js';

const main = fileURLToPath(new URL('../../apps/replication/src/main.js', import.meta.url));

/** One region of the test's world: its database and blobs, opened as its other processes would, and its replication service. */
export class TestRegion {
  private child: ChildProcess | undefined;
  /** What the service wrote on stderr. */
  log = '';

  constructor(
    readonly id: string,
    readonly code: number,
    readonly url: string,
    readonly env: Readonly<Record<string, string>>,
    readonly storage: Storage,
    readonly pair: Pair,
    readonly ca: string,
  ) {}

  /** Starts the service and waits until it is ready. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--enable-source-maps', main], { env: { ...this.env }, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (chunk: Buffer) => (this.log = (this.log + chunk.toString()).slice(-200_000)));
    this.child = child;
    const agent = new Agent({ connect: { ca: this.ca } });
    const ended = new Promise<never>((_, reject) => child.once('exit', (code) => reject(new Error(`ended with ${code}`))));
    const ready = eventually(async () => (await request(`${this.url}/health/ready`, { dispatcher: agent })).statusCode === 200, {
      what: 'ready',
    });
    ready.catch(() => undefined);
    try {
      await Promise.race([ready, ended]);
    } catch (cause) {
      throw new Error(`${this.id} did not start; it said:\n${this.log.slice(-4000)}`, { cause });
    } finally {
      await agent.close();
    }
  }

  /** Kills the service as a crash would, or asks it to end; resolves with its exit code. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    return new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill(signal);
    });
  }

  /** Creates or updates an action, with its encrypted code, as the controller does. */
  async put(
    path: string,
    code: string,
    fields: { ns?: NamespaceId; requires?: readonly string[] } = {},
  ): Promise<{ address: string; code: Buffer }> {
    const { bytes, address } = await this.storage.keys.sealCode(fields.ns ?? testNamespace, Buffer.from(code));
    await this.storage.objects.put(bytes);
    await this.storage.entities.write(this.key(path, fields.ns), (current) => ({
      kind: path.includes('pkg') && !path.includes('/') ? kinds.package : kinds.action,
      entityId: current?.entityId ?? (randomUUID() as EntityId),
      deleted: false,
      doc: toJsonText({ code: createHash('sha256').update(code).digest('hex') }),
      sealed: Buffer.from([1, 2, 3]),
      blob: address,
      requires: (fields.requires ?? []).map((parent) => ({ space: spaces.definition, path: parent })),
      updated: Date.now(),
    }));
    return { address, code: Buffer.from(code) };
  }

  async remove(path: string, ns?: NamespaceId): Promise<void> {
    await this.storage.entities.write(this.key(path, ns), (current) => ({
      kind: current?.kind ?? kinds.action,
      entityId: current?.entityId ?? (randomUUID() as EntityId),
      deleted: true,
      doc: null,
      sealed: null,
      blob: null,
      requires: [],
      updated: Date.now(),
    }));
  }

  /** The visible row and its code, decrypted, or undefined. Throws when the row is visible and its code is not here. */
  async read(path: string, ns?: NamespaceId): Promise<{ blob: string; bytes: Buffer; hlc: string } | undefined> {
    const row = await this.storage.entities.find(this.key(path, ns));
    if (!row) return undefined;
    const bytes = row.blob === null ? undefined : await this.storage.objects.find(row.blob);
    if (row.blob === null || !bytes) throw new Error(`${path} is visible in ${this.id} without its code`);
    return { blob: row.blob, bytes: await this.storage.keys.openCode(row.ns, bytes), hlc: row.hlc };
  }

  /** Version of every row of the definitions, tombstones too. */
  async versions(): Promise<string[]> {
    const { rows } = await this.storage.pool.query<{ version: string }>(
      `select concat_ws(' ', space, ns, path, hlc, origin, deleted, blob, md5(doc)) as version from entity where space = 0 order by 1`,
    );
    return rows.map((row) => row.version);
  }

  private key(path: string, ns: NamespaceId = testNamespace): EntityKey {
    return { space: spaces.definition, ns, path };
  }
}

/** The namespace of the test's actions. */
export const testNamespace = 'aaaaaaaa-0000-4000-8000-000000000001' as NamespaceId;

/** Regions with their own databases on one Postgres, and certificates of one authority. Those in `absent` belong to the world but never run. */
export class TestWorld {
  private constructor(
    readonly server: PostgresServer,
    readonly authority: Authority,
    readonly regions: readonly TestRegion[],
    readonly absent: readonly { readonly id: string; readonly code: number; readonly pair: Pair }[],
    private readonly folder: string,
  ) {}

  static async make(
    ids: readonly string[],
    absentIds: readonly string[],
    settings: Readonly<Record<string, string>> = {},
  ): Promise<TestWorld> {
    const server = await PostgresServer.start({ max_connections: '150', ...settings });
    const folder = mkdtempSync(join(tmpdir(), 'isochrone-repl-'));
    const authority = await Authority.make();
    const regions: TestRegion[] = [];
    const plans = await Promise.all([...ids, ...absentIds].map((id, index) => plan(folder, id, index + 1, authority)));
    const world = new TestWorld(server, authority, regions, plans.slice(ids.length), folder);
    try {
      const worldFile = write(join(folder, 'world.json'), JSON.stringify(worldOf(plans)));
      for (const one of plans.slice(0, ids.length)) regions.push(await world.open(one, worldFile));
      return world;
    } catch (cause) {
      await world.close();
      throw cause;
    }
  }

  private async open(one: RegionPlan, worldFile: string): Promise<TestRegion> {
    const folder = join(this.folder, one.id);
    const env = {
      ISOCHRONE_WORLD: worldFile,
      ISOCHRONE_REGION: one.id,
      ISOCHRONE_DATABASE_URL: await this.server.createDatabase(one.id.replaceAll('-', '_')),
      ISOCHRONE_BLOBS: `file:${join(folder, 'blobs')}`,
      ISOCHRONE_REGION_KEY: one.keyFile,
      ISOCHRONE_PORT: String(one.port),
      ISOCHRONE_TLS_CERT: write(join(folder, 'cert.pem'), one.pair.cert),
      ISOCHRONE_TLS_KEY: write(join(folder, 'tls.key'), one.pair.key),
      ISOCHRONE_TLS_CA: write(join(folder, 'ca.pem'), this.authority.ca),
      ISOCHRONE_LOG_LEVEL: 'debug',
    };
    const storage = await openRegionStorage(readEnv(ReplicationEnv, env), new Logger({}, 'error'));
    return new TestRegion(one.id, one.code, `https://127.0.0.1:${one.port}`, env, storage, one.pair, this.authority.ca);
  }

  async close(): Promise<void> {
    await Promise.all(this.regions.map((region) => region.end()));
    await Promise.all(this.regions.map((region) => region.storage.close()));
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks until the answer is true; throws with the last error when `seconds` pass. */
export async function eventually(check: () => Promise<boolean>, { seconds = 30, what = 'it' } = {}): Promise<void> {
  const endMs = Date.now() + seconds * 1000;
  for (let failure: unknown; ; await sleep(25)) {
    try {
      if (await check()) return;
      failure = undefined;
    } catch (cause) {
      failure = cause;
    }
    if (Date.now() > endMs) throw new Error(`not within ${seconds} s: ${what}`, { cause: failure });
  }
}

interface RegionPlan {
  readonly id: string;
  readonly code: number;
  readonly port: number;
  readonly pair: Pair;
  readonly keyFile: string;
  readonly publicKey: string;
}

async function plan(folder: string, id: string, code: number, authority: Authority): Promise<RegionPlan> {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const keyFile = write(join(folder, id, 'region.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
  return { id, code, port: await freePort(), pair: await authority.issue(id), keyFile, publicKey: raw };
}

function worldOf(plans: readonly RegionPlan[]): object {
  return {
    name: 'test',
    url: 'http://127.0.0.1:1',
    defaultRegion: plans[0]?.id,
    regions: plans.map(({ id, code, port, publicKey }) => ({
      id,
      code,
      place: { lat: 0, lon: 0, name: id },
      url: 'http://127.0.0.1:1',
      replicationUrl: `https://127.0.0.1:${port}`,
      publicKey,
    })),
  };
}

function write(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}
