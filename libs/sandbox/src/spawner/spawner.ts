import { createHash, timingSafeEqual } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { connect as dial, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { SandboxInfo } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { Connection, frameTypes, noId, socketOptions, type Frame } from '#libs/wire';
import { ClientHello, Command, slotFolder, type SlotEvent } from './protocol.js';
import type { RuntimeRoot } from '../kinds/root.js';
import type { Slot } from './slot.js';
import { Workshop, type WorkshopOptions } from './workshop.js';

/** What a spawner needs to know. */
export interface SpawnerOptions extends WorkshopOptions {
  /** Framed address, such as `unix:/run/isochrone/spawner.sock`. */
  readonly listen: string;
  /** Clients prove themselves by it. */
  readonly token: string;
}

/** Sandboxes of one client; those that are awaited start as soon as their runtime is ready. */
type Slots = Map<string, Slot | 'awaited'>;
type CreateOrder = Extract<Command, { op: 'create' }>;

const helloMs = 5000;
const backlogMax = 8 * 1024 * 1024;
const frameMax = 64 * 1024;

/**
 * The only process that starts sandboxes: forking from a large process would block it for a tenth of a second. A sandbox belongs to the connection
 * that asked for it and ends with it; all end with the spawner.
 */
export class Spawner {
  private readonly clients = new Set<Socket>();

  private constructor(
    private readonly options: SpawnerOptions,
    private readonly logger: Logger,
    private readonly workshop: Workshop,
    /** What isolates sandboxes here. */
    readonly info: SandboxInfo,
    private readonly server: Server,
  ) {
    server.on('connection', (socket) => this.welcome(socket));
  }

  /** Opens the workshop and listens. Throws when another spawner listens at the address. */
  static async start(options: SpawnerOptions, logger: Logger): Promise<Spawner> {
    const address = socketOptions(options.listen);
    if ('path' in address) await takeOver(address.path);
    const { workshop, info } = await Workshop.open(options, logger);
    const server = createServer();
    const spawner = new Spawner(options, logger, workshop, info, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address, resolve);
    });
    if ('path' in address) chmodSync(address.path, 0o600);
    return spawner;
  }

  /** Ends all sandboxes, then stops listening. */
  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.clients) socket.destroy();
    await this.workshop.close();
  }

  private welcome(socket: Socket): void {
    this.clients.add(socket);
    socket.once('close', () => this.clients.delete(socket));
    const slots: Slots = new Map();
    let known = false;
    const impatience = setTimeout(() => socket.destroy(), helloMs);
    const connection = new Connection(
      socket,
      {
        frame: (frame) => {
          if (known) return this.obey(frame, connection, slots);
          known = frame.type === frameTypes.HELLO && this.knows(frame.head);
          if (!known) {
            this.logger.warn('client refused');
            return connection.close();
          }
          clearTimeout(impatience);
          connection.send(frameTypes.HELLO, noId, { role: 'spawner', sandbox: this.info, slots: this.workshop.slotsFolder });
        },
        closed: () => {
          clearTimeout(impatience);
          if (slots.size > 0) this.logger.log('client gone, its sandboxes end', { sandboxes: slots.size });
          for (const slot of slots.values()) if (slot !== 'awaited') slot.kill();
          slots.clear();
        },
      },
      frameMax,
    );
  }

  private knows(head: object): boolean {
    const hello = ClientHello.safeParse(head);
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
    return hello.success && timingSafeEqual(digest(hello.data.token), digest(this.options.token));
  }

  private obey({ type, id, head }: Frame, connection: Connection, slots: Slots): void {
    if (type === frameTypes.PING) return void connection.send(frameTypes.PING, noId, { pong: true });
    const command = Command.safeParse(head);
    if (type !== frameTypes.RUN || !command.success) return connection.close();
    const found = slots.get(id);
    const slot = found === 'awaited' ? undefined : found;
    switch (command.data.op) {
      case 'create':
        return this.create(id, command.data, connection, slots);
      case 'kill':
        if (found === 'awaited') slots.delete(id);
        return slot?.kill();
      case 'freeze':
        return void slot?.freeze().then(() => tell(connection, id, { event: 'frozen' }));
      case 'thaw':
        slot?.thaw();
        return tell(connection, id, { event: 'thawed' });
      case 'drain':
        return void drained().then(() => tell(connection, id, { event: 'drained' }));
    }
  }

  /** Starts a sandbox; one whose runtime is not ready yet is started when it is, unless nobody wants it any more. */
  private create(id: string, order: CreateOrder, connection: Connection, slots: Slots): void {
    if (slots.has(id)) return connection.close();
    if (!this.info.kinds.includes(order.kind)) return refuse(connection, id, `there is no runtime of kind ${order.kind}`);
    const root = this.workshop.runtimes.ready(order.kind);
    if (root) return this.start(id, order, root, connection, slots);
    slots.set(id, 'awaited');
    this.workshop.runtimes.provide(order.kind).then(
      (provided) => {
        if (slots.delete(id)) this.start(id, order, provided, connection, slots);
      },
      (error: unknown) => {
        if (slots.delete(id)) refuse(connection, id, textOf(error));
      },
    );
  }

  private start(id: string, order: CreateOrder, root: RuntimeRoot, connection: Connection, slots: Slots): void {
    try {
      const slot = this.workshop.start(root, join(this.workshop.slotsFolder, slotFolder(id)), order.memoryMiB, {
        output: (stream, bytes) => {
          if (connection.backlogBytes < backlogMax) connection.send(frameTypes.LOG, id, { stream }, bytes);
        },
        exited: (cause) => {
          slots.delete(id);
          tell(connection, id, { event: 'exited', cause });
        },
      });
      slots.set(id, slot);
    } catch (error) {
      this.logger.error('sandbox not started', { slot: id }, error);
      refuse(connection, id, textOf(error));
    }
  }
}

function tell(connection: Connection, id: string, event: SlotEvent): void {
  connection.send(frameTypes.RESULT, id, event);
}

function refuse(connection: Connection, id: string, reason: string): void {
  tell(connection, id, { event: 'refused', reason });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** After this, what lay in the pipes of sandboxes when it was called has been read: the event loop has polled them in between. */
async function drained(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

/** Removes a socket that nobody listens at any more. */
async function takeOver(path: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const socket = dial(path);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
  if (alive) throw new Error(`another spawner listens at ${path}`);
  rmSync(path, { force: true });
}
