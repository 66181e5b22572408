import { createHash, timingSafeEqual } from 'node:crypto';
import type { RunOrder, SandboxInfo } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { connect, encodeRun, frameTypes, noId, type Connection, type Frame, type WireAddress } from '#libs/wire';
import type { InvokerStatus } from '../acceptance.js';
import { pause } from '#libs/messaging';

const helloMs = 5000;
const pingMs = 5000;
/** An invoker that says nothing for this long is gone. */
const silenceMs = 20_000;
const retryFirstMs = 100;
const retryMostMs = 3000;
/** Runs an invoker is trusted with that names no number. */
const standardCredits = 64;
/** Bytes that may wait for an invoker that reads slowly, before it gets no more. */
const backlogBytesMax = 64 * 1024 * 1024;

/** Who we are to an invoker. */
export interface LinkIdentity {
  readonly name: string;
  readonly token: string;
}

/** What a link tells. `closed` follows every connection that was usable. */
export interface LinkEvents {
  frame(link: InvokerLink, frame: Frame): void;
  closed(link: InvokerLink): void;
}

/** One invoker's address, and the connection to it, which is made again whenever it is lost. */
export class InvokerLink {
  private readonly stop = new AbortController();
  private connection: Connection | undefined;
  private proven = false;
  private heardAtMs = 0;
  private peer: { name: string; credits: number; draining: boolean; sandbox: SandboxInfo | undefined };

  constructor(
    private readonly address: WireAddress,
    private readonly identity: LinkIdentity,
    private readonly events: LinkEvents,
    private readonly logger: Logger,
  ) {
    this.peer = { name: address, credits: 0, draining: false, sandbox: undefined };
  }

  /** The invoker's own name once it has said it, its address before. */
  get name(): string {
    return this.peer.name;
  }

  /** Runs it takes at once; 0 while it takes none. */
  get credits(): number {
    const usable = this.proven && !this.peer.draining && (this.connection?.backlogBytes ?? 0) < backlogBytesMax;
    return usable ? this.peer.credits : 0;
  }

  get status(): InvokerStatus {
    const { name, draining, sandbox } = this.peer;
    return { name, connected: this.proven, draining, ...(sandbox === undefined ? {} : { sandbox }) };
  }

  /** Keeps the connection until `close`; never rejects. */
  async keep(): Promise<void> {
    for (let failures = 0; !this.stop.signal.aborted; failures += 1) {
      if (await this.session()) failures = 0;
      await pause(Math.min(retryMostMs, retryFirstMs * 2 ** Math.min(failures, 10)), this.stop.signal);
    }
  }

  run(order: RunOrder, args: Uint8Array): void {
    this.connection?.send(frameTypes.RUN, order.activationId, {}, encodeRun(order, args));
  }

  /** It said that it is about to end. */
  drains(): void {
    this.peer = { ...this.peer, draining: true };
  }

  close(): void {
    this.stop.abort();
    this.connection?.close();
  }

  /** One connection from its beginning to its end; true when it was of use. */
  private async session(): Promise<boolean> {
    try {
      const ended = new Promise<Error | undefined>((resolve, reject) => {
        const events = { frame: (frame: Frame) => this.take(frame), closed: resolve };
        connect(this.address, events, helloMs).then((connection) => this.greet(connection), reject);
      });
      const ping = setInterval(() => this.ping(), pingMs);
      const cause = await ended.finally(() => clearInterval(ping));
      return this.lost(cause);
    } catch (cause) {
      this.logger.debug('no connection to an invoker', { invoker: this.address, cause: String(cause) });
      return this.lost(undefined);
    }
  }

  private greet(connection: Connection): void {
    if (this.stop.signal.aborted) return connection.close();
    this.connection = connection;
    this.heardAtMs = Date.now();
    connection.send(frameTypes.HELLO, noId, { role: 'controller', name: this.identity.name, token: this.identity.token });
  }

  private lost(cause: Error | undefined): boolean {
    const wasProven = this.proven;
    this.proven = false;
    this.connection = undefined;
    if (!wasProven) return false;
    if (!this.stop.signal.aborted) this.logger.warn('the connection to an invoker was lost', { invoker: this.name }, cause);
    this.events.closed(this);
    return true;
  }

  private ping(): void {
    const limitMs = this.proven ? silenceMs : helloMs;
    if (Date.now() - this.heardAtMs > limitMs) this.connection?.close();
    else if (this.proven) this.connection?.send(frameTypes.PING, noId);
  }

  private take(frame: Frame): void {
    this.heardAtMs = Date.now();
    if (!this.proven) return this.meet(frame);
    if (frame.type === frameTypes.PING) {
      this.update(frame.head);
      if (frame.head['pong'] !== true) this.connection?.send(frameTypes.PING, noId, { pong: true });
    } else this.events.frame(this, frame);
  }

  private meet({ type, head }: Frame): void {
    if (type !== frameTypes.HELLO || !same(head['token'], this.identity.token)) {
      this.logger.error('an invoker without the right token was dropped', { invoker: this.address });
      return this.connection?.close();
    }
    const name = typeof head['name'] === 'string' ? head['name'] : this.address;
    // Another of ours wrote it and has proven so.
    this.peer = { name, credits: standardCredits, draining: false, sandbox: head['sandbox'] as SandboxInfo | undefined };
    this.update(head);
    this.proven = true;
    this.logger.log('connected to an invoker', { invoker: name });
  }

  private update({ credits, draining }: Frame['head']): void {
    this.peer = {
      ...this.peer,
      ...(typeof credits === 'number' ? { credits } : {}),
      ...(typeof draining === 'boolean' ? { draining } : {}),
    };
  }
}

/** Compares in a time that tells nothing. */
function same(given: unknown, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return typeof given === 'string' && timingSafeEqual(digest(given), digest(token));
}
