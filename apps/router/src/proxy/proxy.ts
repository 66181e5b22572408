import type { IncomingMessage, ServerResponse } from 'node:http';
import { actionsAddress, Failure, type RegionId, type Transid } from '#libs/domain';
import { canonicalTarget, transidOf } from '#libs/http';
import { isRegional, mayRepeat, ownerCode, route, type Decision, type RoutingFacts, type Whereabouts } from '#libs/routing';
import type { Logger } from '#libs/telemetry';
import { Injectable } from '@nestjs/common';
import { networkOf, type AddressRange } from '../caller/address.js';
import { findCaller } from '../caller/caller.js';
import { GeoDatabase } from '../caller/geo.js';
import { Draining } from '../health/draining.js';
import { Prober } from '../health/prober.js';
import { answerFailure, answerTooLarge } from './answer.js';
import { announcesTooMuch, bodyOf } from './body.js';
import { pathOf, unfitFraming, wantsUpgrade } from './framing.js';
import { headersForCaller, headersForRegion, hostOf } from './headers.js';
import { asksController } from './operator-paths.js';
import { connectionsMax, type Region } from './region.js';
import { Regions } from './regions.js';
import { relay, type Attempt, type Outgoing } from './relay.js';
import { Traces, type Trace } from './trace.js';

/** What the proxy is told, not made to find out. */
export interface ProxySettings {
  readonly trusted: readonly AddressRange[];
  readonly log: Logger;
  /** Whether what operators ask of a controller is passed on. */
  readonly operatorRoutes: boolean;
  /** The domain of namespace hosts, if there is one. */
  readonly domain: string | undefined;
}

/** A request on its way: everything that stays the same from region to region. */
interface Passage {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly transid: Transid;
  readonly outgoing: Outgoing;
  readonly facts: RoutingFacts;
  readonly decision: Decision;
  readonly trace: Trace;
}

/** Passes requests to the region that routing picks, and to the next one where that is safe. */
@Injectable()
export class Proxy {
  constructor(
    private readonly regions: Regions,
    private readonly geo: GeoDatabase,
    private readonly traces: Traces,
    private readonly draining: Draining,
    private readonly prober: Prober,
    private readonly settings: ProxySettings,
  ) {}

  /** Takes one request to its end. Never rejects; whatever goes wrong is answered or ends the connection. */
  async pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const transid = transidOf(req.headers['x-request-id']);
    try {
      const path = pathOf(req.url ?? '');
      const unfit = unfitFraming(req) ?? (path === undefined ? 'the request target is not a path' : undefined);
      if (path === undefined || unfit !== undefined) return this.#refuse(req, res, transid, unfit ?? '');
      if (announcesTooMuch(req)) return this.#tooLarge(req, res);
      if (wantsUpgrade(req)) return this.#answer(res, new Failure('no-upgrade'), transid, { close: true });
      if (asksController(path) && (!this.settings.operatorRoutes || req.socket.remoteAddress === actionsAddress)) {
        return this.#answer(res, new Failure('no-method', { methods: 'OPTIONS' }), transid, { close: true });
      }
      await this.#travel(this.#depart(req, res, transid, path));
    } catch (error) {
      this.settings.log.error('request broke the router', { transid }, error);
      this.#answer(res, new Failure('internal', {}, { cause: error }), transid, { close: true });
    }
  }

  #depart(req: IncomingMessage, res: ServerResponse, transid: Transid, target: string): Passage {
    const method = req.method ?? 'GET';
    const forwardedFor = req.headers['x-forwarded-for'];
    const caller = findCaller(req.socket.remoteAddress, typeof forwardedFor === 'string' ? forwardedFor : undefined, this.settings.trusted);
    const path = canonicalTarget(target, hostOf(req, caller), this.settings.domain);
    const place = this.geo.locate(caller.address);
    const facts = this.#facts(req, method, path, place);
    const decision = route(facts);
    const trace = this.traces.keep({
      transid,
      atMs: Date.now(),
      method,
      path: path.split('?', 1)[0] ?? '',
      caller: { network: caller.address ? networkOf(caller.address) : null, place },
      because: decision.because,
      order: decision.order,
      attempts: [],
    });
    const outgoing = { method, path, headers: headersForRegion(req, caller, transid), body: bodyOf(req) };
    return { req, res, transid, outgoing, facts, decision, trace };
  }

  #facts(req: IncomingMessage, method: string, path: string, caller: Whereabouts | null): RoutingFacts {
    const pin = req.headers['x-isochrone-pin'];
    return {
      regions: this.regions.views(),
      defaultRegion: this.regions.world.defaultRegion,
      caller,
      pin: this.regions.find(typeof pin === 'string' ? pin.split(',', 1)[0]?.trim() : undefined)?.id,
      owner: this.regions.findByCode(ownerCode(method, path))?.id,
    };
  }

  async #travel(passage: Passage): Promise<void> {
    const { req, res, transid, outgoing, facts, trace } = passage;
    const tried = new Set<RegionId>();
    for (let decision = passage.decision; ;) {
      const region = this.#firstWithRoom(decision.order);
      if (!region) return this.#nowhere(res, transid, decision);
      const attempt = await this.#attempt(passage, region);
      if (attempt.kind === 'unfit') return this.#refuse(req, res, transid, attempt.detail);
      if (attempt.kind === 'too-large') return this.#tooLarge(req, res);
      if (attempt.kind === 'broken') return void res.destroy();
      if (attempt.kind !== 'failed') return;
      if (decision.because.kind === 'owner') return this.#nowhere(res, transid, decision);
      const { method, path, body } = outgoing;
      const intact = !attempt.sent || body === null;
      if (!intact || !mayRepeat({ method, path, sent: attempt.sent })) return this.#lost(res, transid, region.id, attempt.trouble);
      tried.add(region.id);
      const regions = this.regions.views().map((view) => (tried.has(view.id) ? { ...view, healthy: false } : view));
      decision = route({ ...facts, regions });
      trace.because = decision.because;
    }
  }

  #firstWithRoom(order: readonly RegionId[]): Region | undefined {
    return order.map((id) => this.regions.find(id)).find((region) => region && region.inFlight < connectionsMax);
  }

  async #attempt({ res, outgoing, trace, transid }: Passage, region: Region): Promise<Attempt> {
    const beganMs = performance.now();
    region.inFlight += 1;
    const attempt = await relay(region.pool, outgoing, res, (raw) => headersForCaller(raw, region.id, this.draining.begun));
    region.inFlight -= 1;
    this.#learn(region, attempt);
    trace.attempts.push({
      region: region.id,
      outcome: attempt.kind === 'failed' ? attempt.trouble : attempt.kind,
      ...('status' in attempt ? { status: attempt.status } : {}),
      ...('detail' in attempt ? { detail: attempt.detail } : {}),
      tookMs: Math.round(performance.now() - beganMs),
    });
    if (attempt.kind === 'failed' || attempt.kind === 'broken') {
      this.settings.log.warn('region failed a request', { transid, region: region.id, outcome: attempt.kind, detail: attempt.detail });
    }
    return attempt;
  }

  /**
   * What an attempt says about its region. Nothing that a caller or an action can bring about may count against it: a connection that was
   * refused counts, and a fault that is the whole region's; a request that broke on its way only makes the router ask the region itself, at once.
   */
  #learn(region: Region, attempt: Attempt): void {
    if (attempt.kind === 'failed' && !attempt.sent) region.observe({ kind: 'failed', trouble: attempt.trouble, detail: attempt.detail });
    else if (attempt.kind === 'failed' || attempt.kind === 'broken') this.prober.suspect(region);
    else if (attempt.kind === 'answered' && isRegional(attempt.fault))
      region.observe({ kind: 'failed', trouble: 'fault', detail: attempt.fault });
    else if (attempt.kind === 'answered') region.observe({ kind: 'answered' });
  }

  #tooLarge(req: IncomingMessage, res: ServerResponse): void {
    req.resume();
    answerTooLarge(res);
  }

  #lost(res: ServerResponse, transid: Transid, region: RegionId, trouble: string): void {
    const how = trouble === 'no-answer' ? 'did not answer in time' : 'stopped answering while it handled the request';
    const reason = `Region ${region} ${how}. It may have run; it was not repeated.`;
    this.#answer(res, new Failure('region-lost', { reason }, { fault: 'region-lost' }), transid, { region });
  }

  #nowhere(res: ServerResponse, transid: Transid, { because }: Decision): void {
    if (because.kind === 'owner') {
      const { region } = because;
      this.#answer(res, new Failure('region-unreachable', { region }, { fault: 'region-unreachable', retryAfterS: 1 }), transid, {});
    } else {
      this.#answer(res, new Failure('unavailable', {}, { fault: 'no-healthy-region', retryAfterS: 1 }), transid, {});
    }
  }

  #refuse(req: IncomingMessage, res: ServerResponse, transid: Transid, reason: string): void {
    req.resume();
    this.#answer(res, new Failure('bad-request', { reason }), transid, { close: true });
  }

  #answer(res: ServerResponse, failure: Failure, transid: Transid, about: { region?: RegionId; close?: boolean }): void {
    answerFailure(res, failure, { transid, region: about.region, close: about.close === true || this.draining.begun });
  }
}
