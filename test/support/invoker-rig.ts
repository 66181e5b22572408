import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readWorld, regionOf } from '#libs/config';
import {
  activationId,
  type ActionLimits,
  type ActivationId,
  type ActivationRecord,
  type EntityId,
  type Hlc,
  type NamespaceId,
  type RegionCode,
  type RunOrder,
  type RunSecret,
  type Transid,
} from '#libs/domain';
import { openStorage, type Storage } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { connect, decodeResult, encodeRun, frameTypes, noId, type Connection, type Frame } from '#libs/wire';
import { PostgresServer } from './postgres-server.js';

const dist = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const region = 'eu-west-1';

/** Shared by everybody in the rig. */
export const token = 'a token for frames in a test';

/** A process of ours, and how it ended. */
interface Started {
  readonly child: ChildProcess;
  readonly exit: Promise<number | NodeJS.Signals | null>;
}

/** An invoker with everything it stands on: Postgres, objects, a spawner, as processes of their own. */
export class InvokerRig {
  readonly ns = randomUUID() as NamespaceId;
  readonly listen: string;
  private readonly processes: Started[] = [];
  private readonly callers: Caller[] = [];
  private invoker: Started | undefined;

  private constructor(
    private readonly home: string,
    readonly postgres: PostgresServer,
    readonly storage: Storage,
    private readonly env: Record<string, string>,
  ) {
    this.listen = `unix:${join(home, 'invoker.sock')}`;
  }

  static async start(): Promise<InvokerRig> {
    const home = mkdtempSync(join(tmpdir(), 'isochrone-invoker-'));
    chmodSync(home, 0o755);
    for (const folder of ['blobs', 'sandboxes', 'journal']) mkdirSync(join(home, folder), { mode: 0o755 });
    const postgres = await PostgresServer.start();
    try {
      return await InvokerRig.over(home, postgres);
    } catch (cause) {
      await postgres.stop();
      rmSync(home, { recursive: true, force: true });
      throw cause;
    }
  }

  private static async over(home: string, postgres: PostgresServer): Promise<InvokerRig> {
    const keys = generateKeyPairSync('x25519');
    const regionKey = join(home, 'region.pem');
    writeFileSync(regionKey, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
    const url = 'http://127.0.0.1:1';
    const place = { lat: 53, lon: -6, name: 'Dublin' };
    const worldFile = join(home, 'world.json');
    const regions = [{ id: region, code: 7, place, url, replicationUrl: 'https://127.0.0.1:1', publicKey }];
    writeFileSync(worldFile, JSON.stringify({ name: 'rig', url, defaultRegion: region, regions }));
    const world = readWorld(worldFile);
    const blobs = `file:${join(home, 'blobs')}`;
    const storage = await openStorage({
      databaseUrl: postgres.url(),
      blobs,
      region: regionOf(world, region),
      world,
      regionKeyFile: regionKey,
      logger: new Logger({ process: 'test' }, 'error'),
    });
    return new InvokerRig(home, postgres, storage, {
      ISOCHRONE_WORLD: worldFile,
      ISOCHRONE_REGION: region,
      ISOCHRONE_DATABASE_URL: postgres.url(),
      ISOCHRONE_BLOBS: blobs,
      ISOCHRONE_REGION_KEY: regionKey,
      ISOCHRONE_FRAME_TOKEN: token,
      ISOCHRONE_ADMIN_TOKEN: 'an admin token for a test',
      ISOCHRONE_API_HOST: 'http://router.test',
      ISOCHRONE_LOG_LEVEL: process.env['ISOCHRONE_LOG_LEVEL'] ?? 'error',
      ISOCHRONE_SPAWNER: `unix:${join(home, 'spawner.sock')}`,
    });
  }

  startSpawner(): void {
    this.run('apps/spawner/src/main.js', {
      ISOCHRONE_SPAWNER_LISTEN: this.env['ISOCHRONE_SPAWNER'] ?? '',
      ISOCHRONE_SANDBOX_DIR: join(this.home, 'sandboxes'),
    });
  }

  startInvoker(): void {
    this.invoker = this.run('apps/region/src/main.js', this.invokerEnv());
  }

  /** Ends the invoker as a crash does. */
  async killInvoker(): Promise<void> {
    this.invoker?.child.kill('SIGKILL');
    await this.invoker?.exit;
  }

  /** Asks the invoker to stop; resolves to its exit code. */
  async stopInvoker(): Promise<unknown> {
    this.invoker?.child.kill('SIGTERM');
    return this.invoker?.exit;
  }

  /** An invoker without an address: its exit, and what it wrote on stderr. */
  async startBadly(): Promise<{ readonly exit: unknown; readonly said: string }> {
    const { ISOCHRONE_INVOKER_LISTEN: _, ...env } = this.invokerEnv();
    const { child, exit } = this.run('apps/region/src/main.js', env, 'pipe');
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return { exit: await exit, said };
  }

  /** A connection as a controller has it, once the invoker answers. */
  async caller(name = 'controller-0'): Promise<Caller> {
    for (let tries = 0; ; tries += 1) {
      const caller = await Caller.open(this.listen, name, token).catch(() => undefined);
      if (caller) {
        this.callers.push(caller);
        return caller;
      }
      if (tries > 300) throw new Error('the invoker does not answer');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Stores code as a deployment does, and returns orders to run it. */
  async action(code: string, limits: Partial<ActionLimits> = {}): Promise<(given?: { secret?: RunSecret; refusal?: string }) => RunOrder> {
    await this.storage.keys.ensure(this.ns);
    const sealed = await this.storage.keys.sealCode(this.ns, Buffer.from(code));
    const blob = await this.storage.objects.put(sealed.bytes);
    const entityId = randomUUID() as EntityId;
    return ({ secret = { env: {} }, refusal } = {}) => ({
      activationId: activationId(7 as RegionCode, Date.now(), randomBytes(9).toString('hex')),
      transid: randomUUID() as Transid,
      ns: this.ns,
      namespace: 'guest',
      subject: 'guest',
      action: {
        entityId,
        hlc: '1' as Hlc,
        ns: this.ns,
        fqn: 'guest/hello',
        name: 'hello',
        version: '0.0.1',
        kind: 'nodejs:20',
        main: 'main',
        binary: false,
        blob,
        keyVersion: sealed.keyVersion,
        limits: { timeout: 10_000, memory: 256, logs: 10, concurrency: 1, ...limits },
      },
      acceptedAtMs: Date.now(),
      blocking: true,
      filterName: 'hello',
      secret,
      ...(refusal === undefined ? {} : { refusal }),
    });
  }

  /** The environment of another process of this region, which sends its runs to the invoker. */
  processEnv(roles: string, name: string): Record<string, string> {
    return { ...this.env, ISOCHRONE_ROLES: roles, ISOCHRONE_NAME: name, ISOCHRONE_INVOKERS: this.listen };
  }

  /** The stored record, once it is there. */
  async record(id: ActivationId): Promise<ActivationRecord> {
    for (let tries = 0; tries < 300; tries += 1) {
      const found = await this.storage.activations.find(this.ns, id).catch(() => undefined);
      if (found?.kind === 'done') return found.record;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`no record of ${id}`);
  }

  async stop(): Promise<void> {
    for (const caller of this.callers) caller.close();
    for (const { child } of this.processes) child.kill('SIGTERM');
    const killer = setTimeout(() => this.processes.forEach(({ child }) => child.kill('SIGKILL')), 40_000);
    await Promise.all(this.processes.map(({ exit }) => exit));
    clearTimeout(killer);
    await this.storage.close();
    await this.postgres.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  private invokerEnv(): Record<string, string> {
    return {
      ISOCHRONE_ROLES: 'invoker',
      ISOCHRONE_NAME: 'invoker-0',
      ISOCHRONE_INVOKER_LISTEN: this.listen,
      ISOCHRONE_JOURNAL: join(this.home, 'journal'),
      ISOCHRONE_USER_MEMORY_MIB: '2048',
    };
  }

  private run(entry: string, env: Record<string, string>, stderr: 'inherit' | 'pipe' = 'inherit'): Started {
    const child = spawn(process.execPath, ['--enable-source-maps', join(dist, entry)], {
      env: { PATH: process.env['PATH'], ...this.env, ...env },
      stdio: ['ignore', 'inherit', stderr],
    });
    const exit = new Promise<number | NodeJS.Signals | null>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    const started = { child, exit };
    this.processes.push(started);
    return started;
  }
}

/** What a call came to. */
export interface CallEnd {
  readonly started: string | undefined;
  readonly refused: string | undefined;
  readonly record: ActivationRecord | undefined;
}

/** The far end of an invoker's connection. */
export class Caller {
  private readonly calls = new Map<string, { started: string | undefined; end: (end: CallEnd) => void }>();
  readonly pings: Record<string, unknown>[] = [];
  private connection: Connection | undefined;

  private constructor(readonly hello: Readonly<Record<string, unknown>>) {}

  static async open(address: string, name: string, secret: string): Promise<Caller> {
    let caller: Caller | undefined;
    let connection: Connection | undefined;
    await new Promise<void>((resolve, reject) => {
      connect(address, {
        frame: (frame) => {
          if (caller) return caller.take(frame);
          caller = new Caller(frame.head);
          resolve();
        },
        closed: (cause) => {
          caller?.lost();
          reject(cause ?? new Error('closed'));
        },
      }).then((open) => {
        connection = open;
        open.send(frameTypes.HELLO, noId, { role: 'controller', name, token: secret });
      }, reject);
    });
    if (!caller || !connection) throw new Error('no HELLO');
    caller.connection = connection;
    return caller;
  }

  run(order: RunOrder, args: unknown = {}): Promise<CallEnd> {
    return new Promise((end) => {
      this.calls.set(order.activationId, { started: undefined, end });
      this.connection?.send(frameTypes.RUN, order.activationId, {}, encodeRun(order, Buffer.from(JSON.stringify(args))));
    });
  }

  /** How a call that is under way was started, once it was. */
  startOf(id: ActivationId): string | undefined {
    return this.calls.get(id)?.started;
  }

  ping(): void {
    this.connection?.send(frameTypes.PING, noId);
  }

  close(): void {
    this.connection?.close();
  }

  private take({ type, id, head, payload }: Frame): void {
    const call = this.calls.get(id);
    if (type === frameTypes.PING) this.pings.push({ ...head });
    else if (type === frameTypes.STARTED && call) call.started = String(head['start']);
    else if (type === frameTypes.REFUSE) this.settle(id, { started: call?.started, refused: String(head['reason']), record: undefined });
    else if (type === frameTypes.RESULT) this.settle(id, { started: call?.started, refused: undefined, record: decodeResult(payload) });
  }

  private settle(id: string, end: CallEnd): void {
    this.calls.get(id)?.end(end);
    this.calls.delete(id);
  }

  private lost(): void {
    for (const [id, { started }] of this.calls) this.settle(id, { started, refused: 'lost', record: undefined });
  }
}
