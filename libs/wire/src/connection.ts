import { createConnection, type Socket } from 'node:net';
import { encodeFrame, FrameReader, type Frame, type FrameType } from './frame.js';

/** Where a framed peer listens: `unix:/path/to.sock` or `tcp:127.0.0.1:7000`. */
export type WireAddress = string;

/** Splits an address into what `net.connect` and `server.listen` take. */
export function socketOptions(address: WireAddress): { path: string } | { host: string; port: number } {
  const unix = /^unix:(\/.+)$/.exec(address)?.[1];
  if (unix !== undefined) return { path: unix };
  const tcp = /^tcp:(.+):(\d+)$/.exec(address);
  if (!tcp) throw new Error(`'${address}' is no address: unix:/path or tcp:host:port`);
  return { host: tcp[1] ?? '', port: Number(tcp[2]) };
}

/** What happens on a connection. `closed` is called exactly once. */
export interface ConnectionEvents {
  frame(frame: Frame): void;
  closed(cause: Error | undefined): void;
}

/** One framed connection over an open socket. */
export class Connection {
  private readonly reader: FrameReader;
  private ended = false;

  constructor(
    private readonly socket: Socket,
    private readonly events: ConnectionEvents,
    frameBytesMax?: number,
  ) {
    this.reader = new FrameReader(frameBytesMax);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(undefined));
  }

  /** Sends a frame; nothing happens on a connection that is closed. Returns false when the peer reads too slowly. */
  send(type: FrameType, id: string, head?: object, payload?: Uint8Array): boolean {
    if (this.ended) return false;
    // Encoded before the socket is corked: a frame that cannot be made must leave the connection as it was.
    const segments = encodeFrame(type, id, head, payload);
    this.socket.cork();
    let room = true;
    for (const segment of segments) room = this.socket.write(segment);
    this.socket.uncork();
    return room;
  }

  /** Bytes that wait to be sent. */
  get backlogBytes(): number {
    return this.socket.writableLength;
  }

  get open(): boolean {
    return !this.ended;
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    try {
      for (const frame of this.reader.push(chunk)) if (!this.ended) this.events.frame(frame);
    } catch (error) {
      this.socket.destroy();
      this.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private end(cause: Error | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.events.closed(cause);
  }
}

/** Opens a framed connection; rejects when nobody listens within `timeoutMs`. */
export function connect(address: WireAddress, events: ConnectionEvents, timeoutMs = 5000): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketOptions(address));
    const timer = setTimeout(() => socket.destroy(new Error(`no connection to ${address} within ${timeoutMs} ms`)), timeoutMs);
    socket.once('error', reject);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(new Connection(socket, events));
    });
    socket.once('close', () => clearTimeout(timer));
  });
}
