import { BlockList, isIP } from 'node:net';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PgAudit } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { Settings } from '../settings.js';
import { readJson } from './admin-body.js';

const root = '/isochrone/v1/';
/** Strangers' calls that are written down in one minute; a flood of them must not fill the table. */
const strangersMax = 60;
const minuteMs = 60_000;
const expireEveryMs = 3_600_000;

/** How the log is kept. */
export class AuditOptions {
  readonly #proxies = new BlockList();

  /** `proxies` are addresses and CIDR ranges whose `X-Forwarded-For` is believed. */
  constructor(
    readonly days: number,
    proxies: readonly string[],
  ) {
    for (const entry of proxies) {
      const [address = '', bits] = entry.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#proxies.addAddress(address, family);
      else this.#proxies.addSubnet(address, Number(bits), family);
    }
  }

  /** The address of whoever called: the nearest one that is no proxy of ours. */
  originOf(socketAddress: string, forwarded: string | undefined): string {
    const hops = [...(forwarded?.split(',').map((hop) => hop.trim()) ?? []), socketAddress].map((hop) => hop.replace(/^::ffff:/, ''));
    return hops.findLast((hop) => !this.trusts(hop)) ?? hops[0] ?? '';
  }

  private trusts(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#proxies.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** Writes down every administrative call before it is answered: reads too, and refused ones. */
@Injectable()
export class AuditTrail implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private minute = 0;
  private strangers = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly audit: PgAudit,
    private readonly settings: Settings,
    private readonly options: AuditOptions,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    void this.expire();
    this.timer = setInterval(() => void this.expire(), expireEveryMs).unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  register(fastify: FastifyInstance): void {
    fastify.addHook('onSend', async (request, reply, payload) => {
      // By the route that was found: a path may be spelt in many ways.
      if ((request.routeOptions.url ?? request.url).startsWith(root)) await this.note(request, reply);
      return payload;
    });
  }

  private async note(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const operator = this.operatorOf(request);
    if (operator === '' && this.tooManyStrangers(Date.now())) return;
    const { authorization: _secret, 'x-forwarded-for': forwarded } = request.headers;
    const entry = {
      operator,
      what: `${request.method} ${(request.routeOptions.url ?? 'no route').replace(root, '')}`,
      target: targetOf(request),
      origin: this.options.originOf(request.socket.remoteAddress ?? '', typeof forwarded === 'string' ? forwarded : undefined),
      status: reply.statusCode,
      transid: request.id,
    };
    try {
      await this.audit.append(entry);
    } catch (cause) {
      // What was done is done; the line in the log is what is left of it.
      this.logger.error('an administrative call could not be written down', entry, cause);
    }
  }

  private operatorOf({ headers }: FastifyRequest): string {
    try {
      return this.settings.operators.name(headers.authorization);
    } catch {
      return '';
    }
  }

  private tooManyStrangers(nowMs: number): boolean {
    const minute = Math.floor(nowMs / minuteMs);
    if (minute !== this.minute) [this.minute, this.strangers] = [minute, 0];
    this.strangers += 1;
    return this.strangers > strangersMax;
  }

  private async expire(): Promise<void> {
    try {
      await this.audit.expire(this.options.days, Date.now());
    } catch (cause) {
      this.logger.warn('old entries of the audit log could not be let go yet', {}, cause);
    }
  }
}

/** Whom or what a call is about: the names in its path, and those that a body may have. Nothing else of a body is written down. */
function targetOf(request: FastifyRequest): string {
  const inPath = Object.values((request.params ?? {}) as Record<string, string>);
  const body = readJson(request.body);
  const given = (body !== null && typeof body === 'object' ? body : {}) as Record<string, unknown>;
  const inBody = ['name', 'namespace', 'namespaceId'].flatMap((key) => (typeof given[key] === 'string' ? [given[key]] : []));
  return [...inPath, ...inBody].join(' ');
}
