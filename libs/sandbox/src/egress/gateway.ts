import { createServer, STATUS_CODES, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import { connect, isIP, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import { actionsAddress } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { EgressError } from './egress-error.js';
import { Names, recordTypes, type NamedAddress, type RecordType } from './names.js';
import { plainAddress, type EgressPolicy, type Verdict } from './policy.js';
import { RefusalLog } from './refusal-log.js';

/** What a gateway works by. */
export interface GatewayOptions {
  readonly policy: EgressPolicy;
  readonly logger: Logger;
  readonly names: Names;
  readonly bounds?: Partial<GatewayBounds>;
}

/** How much of the network sandboxes may use at once. Times in ms. */
export interface GatewayBounds {
  readonly connectionsPerSandbox: number;
  readonly connections: number;
  readonly questionsPerSandbox: number;
  readonly connectMs: number;
  readonly idleMs: number;
}

/** One sandbox's way out. */
interface Client {
  readonly server: Server;
  /** Its sockets, whatever they wait for. */
  readonly sockets: Set<Socket>;
  readonly refusals: RefusalLog;
  tunnels: number;
  questions: number;
}

/** Who is at the other end of a socket, and what ends it unless a request comes. */
interface Caller {
  readonly client: Client;
  readonly late: NodeJS.Timeout;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

const standard: GatewayBounds = {
  connectionsPerSandbox: 200,
  connections: 4000,
  questionsPerSandbox: 200,
  connectMs: 10_000,
  idleMs: 600_000,
};
/** From the first byte to the end of a request's head. */
const headMs = 5000;
/** Silence after one side has ended. */
const halfOpenMs = 60_000;
/** This machine's addresses may change while it runs. */
const ownAddressesMs = 10_000;

/**
 * The only way from sandboxes into a network. Each sandbox has a listener of its own and is known by it, so it has nothing to prove and nothing to
 * forge. `CONNECT host:port` opens a connection (200, and in `Egress-Address` where it leads); `GET /names/<type>/<name>` asks for records, `A` and
 * `AAAA` at once as type `ADDRESS`. What fails is answered with a status, its errno name in `Egress-Error` and a sentence in `Egress-Reason`.
 *
 * Names are resolved here, once for each connection, and only addresses that were checked are connected to.
 */
export class EgressGateway {
  private readonly clients = new Map<string, Client>();
  private readonly callers = new WeakMap<object, Caller>();
  private readonly http: HttpServer;
  private readonly bounds: GatewayBounds;
  private tunnels = 0;
  private own: { readonly atMs: number; readonly addresses: ReadonlySet<string> } = { atMs: -Infinity, addresses: new Set() };

  constructor(private readonly options: GatewayOptions) {
    this.bounds = { ...standard, ...options.bounds };
    this.http = createServer({ maxHeaderSize: 4096, keepAliveTimeout: 1000 }, (request, response) => void this.answer(request, response));
    this.http.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => void this.open(request, socket, head));
    this.http.on('clientError', (_, socket: Duplex) => socket.destroy());
  }

  /** Takes the connections of one sandbox from `server`, which listens. */
  serve(id: string, server: Server): void {
    this.end(id);
    const client: Client = { server, sockets: new Set(), refusals: new RefusalLog(this.options.logger, id), tunnels: 0, questions: 0 };
    this.clients.set(id, client);
    server.on('connection', (socket) => this.welcome(client, socket));
    server.on('error', (error) => this.options.logger.warn('listener of a sandbox failed', { sandbox: id }, error));
  }

  /** From now on the log names the action that runs in a sandbox. */
  name(id: string, namespace: string, action: string): void {
    this.clients.get(id)?.refusals.name(namespace, action);
  }

  /** The sandbox is gone: so are its connections. */
  end(id: string): void {
    const client = this.clients.get(id);
    if (!client) return;
    this.clients.delete(id);
    client.server.close();
    client.refusals.end();
    for (const socket of client.sockets) socket.destroy();
  }

  /** Ends everything. */
  close(): void {
    for (const id of this.clients.keys()) this.end(id);
  }

  /** Connections that are open or being opened. */
  get load(): number {
    return this.tunnels;
  }

  private welcome(client: Client, socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (client.sockets.size >= 2 * this.bounds.connectionsPerSandbox) return void socket.destroy();
    client.sockets.add(socket);
    const late = setTimeout(() => socket.destroy(), headMs);
    this.callers.set(socket, { client, late });
    socket.once('close', () => {
      clearTimeout(late);
      client.sockets.delete(socket);
    });
    this.http.emit('connection', socket);
  }

  /** The sandbox that a request came from. */
  private caller(socket: Socket): Client | undefined {
    const caller = this.callers.get(socket);
    clearTimeout(caller?.late);
    return socket.destroyed ? undefined : caller?.client;
  }

  private async open(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const client = this.caller(socket);
    if (!client) return void socket.destroy();
    let far: Socket | undefined;
    let held = false;
    try {
      const target = targetOf(request.url ?? '');
      if (client.tunnels >= this.bounds.connectionsPerSandbox || this.tunnels >= this.bounds.connections)
        throw new EgressError('EMFILE', `an action may have ${this.bounds.connectionsPerSandbox} connections at once`);
      held = true;
      this.hold(client, socket);
      far = await this.dial(await this.reachable(client, target), target, socket);
      socket.write(`HTTP/1.1 200 ${STATUS_CODES[200]}\r\nEgress-Address: ${far.remoteAddress ?? ''} ${far.remotePort ?? 0}\r\n\r\n`);
      join(socket, far, head, this.bounds.idleMs);
    } catch (error) {
      far?.destroy();
      const failure = EgressError.of(error);
      if (failure.code === 'EACCES' || (failure.code === 'EMFILE' && !held)) client.refusals.add(request.url ?? '', failure.message);
      socket.end(refusal(failure));
      setTimeout(() => socket.destroy(), 1000).unref();
    }
  }

  /** Counts a tunnel until its socket closes. */
  private hold(client: Client, socket: Socket): void {
    client.tunnels += 1;
    this.tunnels += 1;
    socket.once('close', () => {
      client.tunnels -= 1;
      this.tunnels -= 1;
    });
  }

  /** The addresses of a target that may be connected to; throws where there are none. */
  private async reachable(client: Client, { host, port }: Target): Promise<readonly NamedAddress[]> {
    const own = this.ownAddresses();
    return this.checked(client, host, (address) => this.options.policy.connection(host, address, port, own));
  }

  private async checked(client: Client, host: string, judge: (address: string) => Verdict): Promise<readonly NamedAddress[]> {
    const { policy, names } = this.options;
    const trusted = policy.trusts(host);
    // A name that is asked for is itself a message to whoever answers for it.
    if (!trusted && !policy.asksNames && isIP(host) === 0 && !/localhost\.?$/i.test(host))
      throw new EgressError('EACCES', 'actions may reach listed addresses only');
    if (client.questions >= this.bounds.questionsPerSandbox) throw new EgressError('EMFILE', 'too many names are asked for at once');
    client.questions += 1;
    try {
      const found = await names.addresses(host, trusted);
      const verdicts = found.map(({ address }) => judge(address));
      const open = found.filter((_, at) => verdicts[at]?.allowed);
      if (open.length > 0) return open;
      const refused = verdicts.find((verdict) => !verdict.allowed);
      throw new EgressError('EACCES', refused && !refused.allowed ? refused.reason : 'refused');
    } finally {
      client.questions -= 1;
    }
  }

  /** Connects to one of the addresses, the next where one is slow. Throws EgressError. */
  private dial(addresses: readonly NamedAddress[], { host, port }: Target, asker: Socket): Promise<Socket> {
    const { policy } = this.options;
    // Of one machine: what actions say to the platform's own API is told from what its proxies and operators say.
    const apart = addresses.every(({ address }) => address.startsWith('127.') && policy.isApi(host, address, port));
    return new Promise((resolve, reject) => {
      const [first] = addresses;
      const far = connect({
        host: first && addresses.length === 1 ? first.address : 'checked.invalid',
        port,
        allowHalfOpen: true,
        autoSelectFamily: true,
        ...(apart ? { localAddress: actionsAddress } : {}),
        // What has been checked, and nothing that a name server says the second time.
        lookup: (_, __, found) => found(null, [...addresses]),
      });
      const timer = setTimeout(() => {
        fail(new EgressError('ETIMEDOUT', `no connection within ${this.bounds.connectMs} ms`));
      }, this.bounds.connectMs);
      const fail = (error: unknown): void => {
        clearTimeout(timer);
        far.destroy();
        reject(EgressError.of(error));
      };
      const left = (): void => fail(new EgressError('ECONNRESET', 'the action has hung up'));
      asker.once('close', left);
      far.once('error', fail);
      far.once('connect', () => {
        clearTimeout(timer);
        asker.off('close', left);
        far.off('error', fail);
        far.on('error', () => far.destroy());
        resolve(far);
      });
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const client = this.caller(request.socket);
    if (!client) return void request.socket.destroy();
    try {
      // With its length, the body is read by the simplest of clients.
      const body = Buffer.from(JSON.stringify(await this.ask(client, request)));
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length, Connection: 'close' }).end(body);
    } catch (error) {
      const failure = EgressError.of(error);
      if (failure.code === 'EACCES') client.refusals.add(request.url ?? '', failure.message);
      response.writeHead(failure.status, { ...headersOf(failure), Connection: 'close' }).end();
    }
  }

  private async ask(client: Client, request: IncomingMessage): Promise<unknown> {
    const [, type = '', encoded = ''] = /^\/names\/([A-Z]+)\/([^/?]+)$/.exec(request.url ?? '') ?? [];
    const name = decodeURIComponent(encoded);
    if (request.method !== 'GET' || name === '' || name.length > 253) throw new EgressError('EINVAL', 'this is not understood');
    const { policy, names } = this.options;
    if (type === 'ADDRESS') return this.checked(client, name, (address) => policy.answer(name, address, this.ownAddresses()));
    if (!isRecordType(type)) throw new EgressError('EINVAL', `records of type ${type} cannot be asked for`);
    if (!policy.asksNames && !policy.trusts(name)) throw new EgressError('EACCES', 'actions may reach listed addresses only');
    if (client.questions >= this.bounds.questionsPerSandbox) throw new EgressError('EMFILE', 'too many names are asked for at once');
    client.questions += 1;
    try {
      return await names.records(name, type);
    } finally {
      client.questions -= 1;
    }
  }

  private ownAddresses(): ReadonlySet<string> {
    const nowMs = Date.now();
    if (nowMs - this.own.atMs > ownAddressesMs) {
      const found = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => plainAddress(address)));
      this.own = { atMs: nowMs, addresses: new Set(found) };
    }
    return this.own.addresses;
  }
}

/** Both ways at the pace of the slower side. Either end may close its own direction; one that breaks off takes the other with it. */
function join(near: Socket, far: Socket, head: Buffer, idleMs: number): void {
  const end = (): void => {
    near.destroy();
    far.destroy();
  };
  for (const socket of [near, far]) {
    socket.allowHalfOpen = true;
    socket.setTimeout(idleMs, end);
    socket.once('close', (failed: boolean) => (failed || !socket.readableEnded ? end() : undefined));
    // Whoever has said all either awaits an answer or has gone: a unix socket does not tell.
    socket.once('end', () => far.setTimeout(Math.min(idleMs, halfOpenMs)));
  }
  far.setNoDelay(true);
  if (head.length > 0) far.write(head);
  near.pipe(far);
  far.pipe(near);
}

function targetOf(text: string): Target {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]{1,253})):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6) || Number(port) < 1 || Number(port) > 65_535)
    throw new EgressError('EINVAL', 'a target is host:port');
  return { host, port: Number(port) };
}

function headersOf(failure: EgressError): Record<string, string> {
  // A header's value is Latin letters on one line; names come from the action.
  return { 'Egress-Error': failure.code, 'Egress-Reason': failure.message.replace(/[^\x20-\x7e]/g, '?'), 'Content-Length': '0' };
}

function refusal(failure: EgressError): string {
  const headers = Object.entries(headersOf(failure)).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status] ?? ''}`, ...headers, 'Connection: close', '', ''].join('\r\n');
}

function isRecordType(text: string): text is RecordType {
  return (recordTypes as readonly string[]).includes(text);
}
