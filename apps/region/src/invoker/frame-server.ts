import { timingSafeEqual, createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { isActivationId, SandboxDriver } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { Connection, decodeRun, encodeResult, frameTypes, noId, socketOptions, type Frame } from '#libs/wire';
import { Invoker, type Reply } from './invoker.js';
import { InvokerOptions } from './options.js';
import { SandboxPool } from './sandbox-pool.js';

const helloMs = 5000;
const pingMs = 5000;
/** A peer that neither asks nor answers for this long is gone. */
const silenceMs = 20_000;
/** A peer that leaves this much unread is as good as gone. Its results are in the store. */
const backlogBytesMax = 256 * 1024 * 1024;
const peersMax = 256;

interface Peer {
  readonly connection: Connection;
  readonly socket: Socket;
  name: string | undefined;
  heardAtMs: number;
}

/** Where controllers and the recovery loop send RUN frames to. A peer proves itself by the region's token in its first frame. */
@Injectable()
export class FrameServer {
  private readonly peers = new Set<Peer>();
  private server: Server | undefined;
  private pinger: NodeJS.Timeout | undefined;

  constructor(
    private readonly invoker: Invoker,
    private readonly sandboxes: SandboxPool,
    private readonly driver: SandboxDriver,
    private readonly options: InvokerOptions,
    private readonly logger: Logger,
  ) {}

  /** Listens; rejects when the address is taken. */
  async begin(): Promise<void> {
    const address = socketOptions(this.options.listen);
    // A socket file that a killed process left behind would stop us from listening.
    if ('path' in address) await rm(address.path, { force: true });
    const server = createServer((socket) => this.accept(socket));
    server.maxConnections = peersMax;
    this.server = server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(address, resolve));
    server.on('error', (cause) => this.logger.error('a connection could not be accepted', {}, cause));
    this.pinger = setInterval(() => this.ping(), pingMs).unref();
    this.logger.log('invoker listens', { address: this.options.listen });
  }

  /** Tells every peer how things stand, as after a change of `draining`. */
  announce(): void {
    for (const { name, connection } of this.peers) if (name !== undefined) connection.send(frameTypes.PING, noId, this.state());
  }

  /** Takes no more connections and ends those that are open, once what was sent has left. */
  async end(ms: number): Promise<void> {
    clearInterval(this.pinger);
    const closed = new Promise<void>((resolve) => (this.server ? this.server.close(() => resolve()) : resolve()));
    for (const { socket } of this.peers) socket.end();
    const cut = setTimeout(() => this.peers.forEach(({ connection }) => connection.close()), ms);
    await closed;
    clearTimeout(cut);
  }

  private accept(socket: Socket): void {
    const unproven = setTimeout(() => socket.destroy(), helloMs);
    const connection = new Connection(socket, {
      frame: (frame) => this.take(peer, frame, unproven),
      closed: (cause) => {
        clearTimeout(unproven);
        this.peers.delete(peer);
        if (peer.name !== undefined) this.logger.log('a peer has left', { peer: peer.name, ...(cause ? { reason: cause.message } : {}) });
      },
    });
    const peer: Peer = { connection, socket, name: undefined, heardAtMs: Date.now() };
    this.peers.add(peer);
  }

  private take(peer: Peer, frame: Frame, unproven: NodeJS.Timeout): void {
    peer.heardAtMs = Date.now();
    if (peer.name === undefined) {
      if (frame.type !== frameTypes.HELLO || !same(frame.head['token'], this.options.frameToken)) {
        this.logger.warn('a peer without the right token was dropped');
        return peer.connection.close();
      }
      clearTimeout(unproven);
      peer.name = typeof frame.head['name'] === 'string' ? frame.head['name'] : 'unnamed';
      this.logger.log('a peer has come', { peer: peer.name });
      peer.connection.send(frameTypes.HELLO, noId, this.hello());
      return;
    }
    if (frame.type === frameTypes.PING && frame.head['pong'] !== true)
      peer.connection.send(frameTypes.PING, noId, { pong: true, ...this.state() });
    else if (frame.type === frameTypes.RUN) this.run(peer, frame);
    // CANCEL is heard and changes nothing: see Invoker.
  }

  private run(peer: Peer, frame: Frame): void {
    const { connection } = peer;
    if (connection.backlogBytes > backlogBytesMax) {
      this.logger.warn('a peer that does not read was dropped', { peer: peer.name });
      return connection.close();
    }
    const { order, args } = decodeRun(frame.payload);
    if (!isActivationId(frame.id) || order.activationId !== frame.id) return connection.close();
    const reply: Reply = {
      started: (start) => void connection.send(frameTypes.STARTED, frame.id, { start }),
      refuse: (reason) => void connection.send(frameTypes.REFUSE, frame.id, { reason }),
      result: (record) => {
        connection.send(frameTypes.RESULT, frame.id, {}, encodeResult(record));
      },
    };
    void this.invoker.take(order, args, reply);
  }

  private hello(): object {
    const { name, frameToken, queue } = this.options;
    return { role: 'invoker', name, token: frameToken, credits: queue.depthMax, sandbox: this.driver.info(), ...this.state() };
  }

  private state(): object {
    return { draining: this.invoker.draining, ...this.sandboxes.figures() };
  }

  private ping(): void {
    const nowMs = Date.now();
    for (const { name, connection, heardAtMs } of this.peers) {
      if (nowMs - heardAtMs > silenceMs) connection.close();
      else if (name !== undefined) connection.send(frameTypes.PING, noId, this.state());
    }
  }
}

/** Compares in a time that tells nothing. */
function same(given: unknown, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return typeof given === 'string' && timingSafeEqual(digest(given), digest(token));
}
