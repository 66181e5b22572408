import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, SandboxDriver, type Sandbox, type SandboxInfo, type StemSpec } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { connect, frameTypes, noId, type Connection, type Frame } from '#libs/wire';
import { Egress, type EgressOptions } from '../egress/egress.js';
import { SlotEvent, slotFolder, socketName, SpawnerHello, type Command } from '../spawner/protocol.js';
import { NativeSandbox } from './native-sandbox.js';

/** What a driver needs to know. */
export interface NativeDriverOptions {
  /** Framed address of the spawner. */
  readonly spawner: string;
  readonly token: string;
  /** Name of the caller, for the spawner's logs. */
  readonly name: string;
  readonly logger: Logger;
  /** What isolated sandboxes may reach; no network at all where not given. */
  readonly egress?: EgressOptions;
  /** How long to wait for a spawner at the start; 30 s where not given. */
  readonly connectMs?: number;
  /** How long a sandbox may take to start; 20 s where not given. */
  readonly createMs?: number;
}

/** What happens to one slot, from its creation to its end. */
interface Slot {
  sandbox: NativeSandbox | undefined;
  /** Ends a creation that waits. */
  fail(reason: string): void;
  /** What waits for an acknowledgement. */
  readonly awaited: Map<Acknowledgement, () => void>;
}

type Acknowledgement = 'frozen' | 'thawed' | 'drained';

const ackMs = 2000;
const retryMs = 100;

/**
 * Makes sandboxes by way of a spawner on this machine. It listens on a unix socket per sandbox, which the runtime inside dials; code, arguments,
 * logs and results travel there and never through the spawner. Caller and spawner must be able to write to the same folder.
 *
 * Network of a sandbox: a loopback of its own and, where there are egress options, what the gateway lets through. When the spawner is gone, so are its sandboxes; the driver finds the next one by itself.
 */
export class NativeDriver extends SandboxDriver {
  private readonly slots = new Map<string, Slot>();
  private connection: Connection | undefined;
  private hello: { readonly info: SandboxInfo; readonly slotsFolder: string } | undefined;
  private egress: Egress | undefined;
  private closing = false;

  private constructor(private readonly options: NativeDriverOptions) {
    super();
  }

  /** Connects to the spawner, waiting for it to come up. Rejects when it does not, or refuses the token. */
  static async connect(options: NativeDriverOptions): Promise<NativeDriver> {
    const driver = new NativeDriver(options);
    const deadline = Date.now() + (options.connectMs ?? 30_000);
    for (;;) {
      try {
        await driver.attach();
        break;
      } catch (cause) {
        if (Date.now() > deadline) throw new Error(`no spawner answers at ${options.spawner}`, { cause });
        await sleep(retryMs);
      }
    }
    const { egress, name, logger } = options;
    if (egress && driver.info().isolated) driver.egress = Egress.start({ ...egress, name }, logger);
    return driver;
  }

  info(): SandboxInfo {
    if (!this.hello) throw new Failure('unavailable', {}, { fault: 'sandbox' });
    return this.hello.info;
  }

  /** Whether there is a spawner now; without one `create` waits for the next. */
  get attached(): boolean {
    return this.connection?.open === true;
  }

  async create(spec: StemSpec): Promise<Sandbox> {
    const deadline = Date.now() + (this.options.createMs ?? 20_000);
    while (!this.connection?.open && !this.closing && Date.now() < deadline) await sleep(retryMs);
    if (!this.connection?.open || !this.hello) throw new Failure('unavailable', {}, { fault: 'sandbox' });
    const id = randomBytes(16).toString('hex');
    const folder = join(this.hello.slotsFolder, slotFolder(id));
    const server = createServer();
    let timer: NodeJS.Timeout | undefined;
    try {
      mkdirSync(folder, { mode: 0o711 });
      const socketFile = join(folder, socketName);
      await Promise.all([listen(server, socketFile), this.egress?.open(id, folder)]);
      chmodSync(socketFile, 0o666);
      return await new Promise<Sandbox>((resolve, reject) => {
        const slot: Slot = { sandbox: undefined, fail: (reason) => reject(new Error(reason)), awaited: new Map() };
        this.slots.set(id, slot);
        timer = setTimeout(() => slot.fail('it did not start in time'), Math.max(0, deadline - Date.now()));
        server.once('connection', (socket) => this.adopt(id, slot, spec, socket, resolve));
        this.command(id, { op: 'create', ...spec });
      });
    } catch (cause) {
      this.options.logger.error('no sandbox', { memoryMiB: spec.memoryMiB, kind: spec.kind }, cause);
      this.command(id, { op: 'kill' });
      this.forget(id);
      rmSync(folder, { recursive: true, force: true });
      throw new Failure('unavailable', {}, { fault: 'sandbox', cause });
    } finally {
      clearTimeout(timer);
      server.close();
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all([...this.slots.values()].flatMap((slot) => slot.sandbox?.kill() ?? []));
    this.connection?.close();
    this.forgetAll();
    await this.egress?.close();
  }

  private adopt(id: string, slot: Slot, spec: StemSpec, socket: Socket, ready: (sandbox: Sandbox) => void): void {
    const acknowledged = (op: 'freeze' | 'thaw' | 'drain', told: Acknowledgement): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ackMs);
        const before = slot.awaited.get(told);
        slot.awaited.set(told, () => {
          clearTimeout(timer);
          before?.();
          resolve();
        });
        this.command(id, { op });
      });
    const sandbox: NativeSandbox = new NativeSandbox(
      id,
      spec,
      socket,
      {
        kill: () => this.command(id, { op: 'kill' }),
        freeze: () => acknowledged('freeze', 'frozen'),
        thaw: () => acknowledged('thaw', 'thawed'),
        drain: () => acknowledged('drain', 'drained'),
      },
      { ready: () => ready(sandbox), named: (fqn) => this.egress?.name(id, fqn) },
    );
    slot.sandbox = sandbox;
  }

  private command(id: string, command: Command): void {
    this.connection?.send(frameTypes.RUN, id, command);
  }

  private take({ type, id, head, payload }: Frame): void {
    const slot = this.slots.get(id);
    if (!slot) return;
    if (type === frameTypes.LOG) return slot.sandbox?.output(head['stream'] === 'stderr' ? 'stderr' : 'stdout', payload);
    const event = SlotEvent.safeParse(head);
    if (type !== frameTypes.RESULT || !event.success) return;
    switch (event.data.event) {
      case 'refused':
        return slot.fail(event.data.reason);
      case 'frozen':
      case 'thawed':
      case 'drained': {
        const acknowledge = slot.awaited.get(event.data.event);
        slot.awaited.delete(event.data.event);
        return acknowledge?.();
      }
      case 'exited':
        this.forget(id);
        slot.fail('it ended while it started');
        void slot.sandbox?.gone(event.data.cause);
    }
  }

  /** Opens a connection and exchanges HELLOs. */
  private async attach(): Promise<void> {
    let greet: (frame: Frame | undefined) => void = () => undefined;
    const greeted = new Promise<Frame | undefined>((resolve) => (greet = resolve));
    const connection = await connect(this.options.spawner, {
      frame: (frame) => (frame.type === frameTypes.HELLO ? greet(frame) : this.take(frame)),
      closed: () => {
        greet(undefined);
        if (this.connection === connection) this.lose();
      },
    });
    connection.send(frameTypes.HELLO, noId, { role: 'invoker', name: this.options.name, token: this.options.token });
    const timer = setTimeout(() => connection.close(), ackMs * 5);
    const hello = SpawnerHello.safeParse((await greeted)?.head);
    clearTimeout(timer);
    if (!hello.success) {
      connection.close();
      throw new Error('the spawner refused us');
    }
    this.hello = { info: hello.data.sandbox, slotsFolder: hello.data.slots };
    this.connection = connection;
  }

  /** The spawner is gone, and all sandboxes with it. */
  private lose(): void {
    this.connection = undefined;
    this.forgetAll();
    if (this.closing) return;
    this.options.logger.error('spawner lost, its sandboxes are gone');
    void this.reattach();
  }

  private forget(id: string): void {
    this.slots.delete(id);
    this.egress?.end(id);
  }

  private forgetAll(): void {
    const lost = [...this.slots];
    for (const [id, slot] of lost) {
      this.forget(id);
      slot.fail('the spawner is gone');
      void slot.sandbox?.gone('lost');
    }
  }

  private async reattach(): Promise<void> {
    for (let waitMs = retryMs; !this.closing && !this.connection; waitMs = Math.min(2000, waitMs * 2)) {
      await sleep(waitMs, undefined, { ref: false });
      try {
        await this.attach();
        this.options.logger.log('spawner found again');
      } catch {
        // not yet: tried again, more rarely, until we close
      }
    }
  }
}

function listen(server: Server, path: string): Promise<void> {
  server.maxConnections = 1;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
