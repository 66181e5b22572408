import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.js';
import { PostgresServer } from './postgres-server.js';

const dist = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Opens the administrative API of the rig. */
export const adminToken = 'an admin token for a test';

/** The well-known keys that foreign suites use. */
export const wellKnown = {
  guest: '23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP',
  other: '4f1c2a86-9b5e-4d0a-8a57-6e3d2c1b0f99:otherKey0otherKey1otherKey2otherKey3otherKey4otherKey5otherKey6x',
} as const;

interface Started {
  readonly child: ChildProcess;
  readonly exit: Promise<number | NodeJS.Signals | null>;
}

/** One region as processes of its own: Postgres, a spawner, an invoker, and a controller with recovery. */
export class ControllerRig {
  readonly base: string;
  private readonly processes: Started[] = [];
  private controller: Started | undefined;

  private constructor(
    private readonly home: string,
    readonly postgres: PostgresServer,
    private readonly env: Record<string, string>,
    readonly port: number,
  ) {
    this.base = `http://127.0.0.1:${port}`;
  }

  /** Starts everything, creates `guest` and `other`, and resolves when the region is ready. */
  static async start(limits = 'openwhisk'): Promise<ControllerRig> {
    const home = mkdtempSync(join(tmpdir(), 'isochrone-controller-'));
    chmodSync(home, 0o755);
    for (const folder of ['blobs', 'sandboxes', 'journal']) mkdirSync(join(home, folder), { mode: 0o755 });
    const postgres = await PostgresServer.start();
    const port = await freePort();
    const rig = new ControllerRig(home, postgres, environment(home, postgres.url(), port, limits), port);
    try {
      await rig.begin();
      return rig;
    } catch (cause) {
      await rig.stop();
      throw cause;
    }
  }

  /** Starts the controller; `more` are variables that it alone sees. */
  startController(more: Readonly<Record<string, string>> = {}): void {
    const role = { ISOCHRONE_ROLES: 'controller,kafka', ISOCHRONE_NAME: 'controller-0' };
    this.controller = this.run('apps/region/src/main.js', { ...role, ...more });
  }

  /** Starts one more controller of the same region and resolves to its URL once it takes requests. */
  async anotherController(): Promise<string> {
    const port = await freePort();
    this.run('apps/region/src/main.js', {
      ISOCHRONE_ROLES: 'controller,kafka',
      ISOCHRONE_NAME: 'controller-1',
      ISOCHRONE_PORT: String(port),
    });
    const base = `http://127.0.0.1:${port}`;
    await this.ready(base);
    return base;
  }

  /** Asks the controller to stop; resolves to its exit code. */
  async stopController(): Promise<number | NodeJS.Signals | null | undefined> {
    this.controller?.child.kill('SIGTERM');
    return this.controller?.exit;
  }

  /** Kills the controller as an outage would, and resolves once it is gone. */
  async killController(): Promise<void> {
    this.controller?.child.kill('SIGKILL');
    await this.controller?.exit;
  }

  /** Creates a subject and returns its key. */
  async subject(name: string, authKey?: string): Promise<string> {
    const answer = await fetch(`${this.base}/isochrone/v1/subjects`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name, ...(authKey === undefined ? {} : { authKey }) }),
    });
    const body = (await answer.json()) as { authKey?: string };
    if (answer.status !== 201 || body.authKey === undefined) throw new Error(`no subject ${name}: ${JSON.stringify(body)}`);
    return body.authKey;
  }

  private async begin(): Promise<void> {
    this.run('apps/spawner/src/main.js', {
      ISOCHRONE_SPAWNER_LISTEN: this.env['ISOCHRONE_SPAWNER'] ?? '',
      ISOCHRONE_SANDBOX_DIR: join(this.home, 'sandboxes'),
    });
    this.run('apps/region/src/main.js', {
      ISOCHRONE_ROLES: 'invoker',
      ISOCHRONE_NAME: 'invoker-0',
      ISOCHRONE_INVOKER_LISTEN: this.env['ISOCHRONE_INVOKERS'] ?? '',
      ISOCHRONE_JOURNAL: join(this.home, 'journal'),
      ISOCHRONE_USER_MEMORY_MIB: '4096',
    });
    this.startController();
    await this.ready();
    for (const [name, authKey] of Object.entries(wellKnown)) await this.subject(name, authKey);
  }

  /** Resolves once the region takes requests. */
  async ready(base = this.base): Promise<void> {
    for (let tries = 0; tries < 600; tries += 1) {
      const answer = await fetch(`${base}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      await delay(100);
    }
    throw new Error('the region does not become ready');
  }

  async stop(): Promise<void> {
    for (const { child } of this.processes) child.kill('SIGTERM');
    const killer = setTimeout(() => this.processes.forEach(({ child }) => child.kill('SIGKILL')), 40_000);
    await Promise.all(this.processes.map(({ exit }) => exit));
    clearTimeout(killer);
    await this.postgres.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  private run(entry: string, env: Record<string, string>): Started {
    const child = spawn(process.execPath, ['--enable-source-maps', join(dist, entry)], {
      env: { PATH: process.env['PATH'], ...this.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const exit = new Promise<number | NodeJS.Signals | null>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    const started = { child, exit };
    this.processes.push(started);
    return started;
  }
}

function environment(home: string, databaseUrl: string, port: number, limits: string): Record<string, string> {
  const region = 'eu-west-1';
  const keys = generateKeyPairSync('x25519');
  const regionKey = join(home, 'region.pem');
  writeFileSync(regionKey, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
  const url = `http://127.0.0.1:${port}`;
  const place = { lat: 53, lon: -6, name: 'Dublin' };
  const regions = [{ id: region, code: 7, place, url, replicationUrl: 'https://127.0.0.1:1', publicKey }];
  const world = join(home, 'world.json');
  writeFileSync(world, JSON.stringify({ name: 'rig', url, defaultRegion: region, regions }));
  return {
    ISOCHRONE_WORLD: world,
    ISOCHRONE_REGION: region,
    ISOCHRONE_DATABASE_URL: databaseUrl,
    ISOCHRONE_BLOBS: `file:${join(home, 'blobs')}`,
    ISOCHRONE_REGION_KEY: regionKey,
    ISOCHRONE_FRAME_TOKEN: 'a token for frames in a test',
    ISOCHRONE_ADMIN_TOKEN: adminToken,
    ISOCHRONE_LIMITS: limits,
    ISOCHRONE_HOST: '127.0.0.1',
    ISOCHRONE_PORT: String(port),
    ISOCHRONE_API_HOST: url,
    ISOCHRONE_INVOKERS: `unix:${join(home, 'invoker.sock')}`,
    ISOCHRONE_SPAWNER: `unix:${join(home, 'spawner.sock')}`,
    ISOCHRONE_LOG_LEVEL: process.env['ISOCHRONE_LOG_LEVEL'] ?? 'error',
  };
}
