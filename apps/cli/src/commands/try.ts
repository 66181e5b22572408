/** A tour of a running world: callers far apart, each served near; a region lost and found again. Everything shown is checked. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '#libs/domain';
import { distanceKm, type Point } from '#libs/routing';
import { Refusal } from '../refusal.js';
import { connectControl } from '../supervision/control.js';
import { guestKey } from '../world/guest.js';
import { readArguments, type Command } from './command.js';
import { askAdmin, findLiveWorld, type LiveWorld } from './live-world.js';
import { reasonText, WhySchema } from './reason.js';

/** Callers whose addresses stand where everybody agrees they do. */
const callers: readonly (Point & { readonly city: string; readonly address: string })[] = [
  { city: 'Tokyo', address: '133.11.93.0', lat: 35.7, lon: 139.7 },
  { city: 'Frankfurt', address: '194.25.0.60', lat: 50.1, lon: 8.7 },
  { city: 'Virginia', address: '128.143.22.36', lat: 38, lon: -78.5 },
];

const code = 'function main(args) { return { greeting: `Hello, ${args.city}!`, region: process.env.__OW_REGION }; }';
const callMs = 20_000;
const patienceMs = 30_000;

/** Shows callers in Tokyo, Frankfurt and Virginia being served, before, while and after a region is gone. */
export const tryOut: Command = {
  usage: 'try [--data DIR]',
  about: 'see it work: callers of three continents are served, a region is killed, served around, and comes back',
  async run(surroundings) {
    const { where } = readArguments(surroundings, tryOut.usage, []);
    const live = findLiveWorld(where);
    const control = connectControl(where.folder.control, where.folder.path);
    const tour = new Tour(live, `hello-${randomBytes(4).toString('hex')}`, surroundings.print);
    const down = (await control.status()).regions.filter(({ killed }) => killed).map(({ id }) => id);
    if (down.length > 0) throw new Refusal(`${down.join(', ')} is down: start it first (isochrone start ${down[0] ?? ''})`);
    let killed: string | undefined;
    const restore = async (): Promise<void> => {
      if (killed !== undefined) await control.start(killed);
      await tour.cleanUp();
    };
    // Whoever has seen enough gets his world back as it was.
    const leave = (): void => {
      surroundings.print('\nputting everything back');
      void restore().then(
        () => process.exit(130),
        () => process.exit(1),
      );
    };
    process.once('SIGINT', leave).once('SIGTERM', leave);
    try {
      await tour.deploy();
      surroundings.print('\nevery caller is served by the nearest region:');
      const homes = await tour.callFromEverywhere([]);
      const lost = homes[0] ?? '';
      if (live.world.regions.length > 1) {
        surroundings.print(`\n${lost} is killed, all its processes at once:`);
        killed = lost;
        await control.kill(lost);
        await tour.callFromEverywhere([lost]);
        surroundings.print(`\n${lost} is started again:`);
        await control.start(lost);
        killed = undefined;
        await tour.comesHome(lost);
        await tour.callFromEverywhere([]);
      } else surroundings.print('\nthis world has one region: with two or more, one of them would be killed now');
      surroundings.print('\nall as promised');
    } finally {
      await restore();
      process.off('SIGINT', leave).off('SIGTERM', leave);
    }
  },
};

interface Answer {
  readonly status: number;
  readonly region: string;
  readonly text: string;
  readonly tookMs: number;
  readonly transid: string;
}

class Tour {
  constructor(
    private readonly live: LiveWorld,
    private readonly action: string,
    private readonly print: (text: string) => void,
  ) {}

  /** Makes the action through the router and waits until every region has it. */
  async deploy(): Promise<void> {
    const begunAt = Date.now();
    const { status, region, text } = await this.send(this.live.url, 'PUT', '?overwrite=true', { exec: { kind: 'nodejs:20', code } });
    if (status !== 200) throw new Refusal(`the action could not be made: ${status} ${text}`);
    const until = Date.now() + patienceMs;
    for (const { id, url } of this.live.world.regions) {
      while ((await this.send(url, 'GET', '?code=false')).status !== 200) {
        if (Date.now() > until) throw new Refusal(`the action did not reach ${id} within ${patienceMs / 1000} s`);
        await sleep(50);
      }
    }
    this.print(`action ${this.action} was made in ${region}; ${Date.now() - begunAt} ms later every region had it`);
  }

  /** One call from each place; throws unless each is served by the nearest region that is not `down`. Returns who served. */
  async callFromEverywhere(down: readonly string[]): Promise<string[]> {
    const served: string[] = [];
    for (const caller of callers) {
      const { status, region, text, tookMs, transid } = await this.call(caller);
      const because = await this.reason(transid);
      this.print(`  ${caller.city.padEnd(10)} ${region.padEnd(16)} ${String(Math.round(tookMs)).padStart(5)} ms   ${because}`);
      const expected = nearest(this.live.world, caller, down);
      if (status !== 200) throw new Refusal(`the call from ${caller.city} failed: ${status} ${text}`);
      if (region !== expected || (JSON.parse(text) as { region?: string }).region !== expected) {
        throw new Refusal(`the call from ${caller.city} was served by ${region}, not by ${expected}, the nearest`);
      }
      served.push(region);
    }
    return served;
  }

  /** Waits until the router sends callers to a region again. */
  async comesHome(region: string): Promise<void> {
    const begunAt = Date.now();
    const caller = callers.find((each) => nearest(this.live.world, each, []) === region);
    const servedBy = async (): Promise<string> => (caller ? (await this.call(caller)).region : region);
    while ((await servedBy()) !== region) {
      if (Date.now() - begunAt > patienceMs) throw new Refusal(`${region} is up, but callers are not sent there again`);
      await sleep(200);
    }
  }

  async cleanUp(): Promise<void> {
    const { status, text } = await this.send(this.live.url, 'DELETE', '');
    if (status !== 200 && status !== 404) throw new Refusal(`the action ${this.action} could not be removed: ${status} ${text}`);
  }

  private call({ address, city }: (typeof callers)[number]): Promise<Answer> {
    return this.send(this.live.url, 'POST', '?blocking=true&result=true', { city }, address);
  }

  private async reason(transid: string): Promise<string> {
    const { router } = WhySchema.parse(await askAdmin(this.live, 'GET', `/why/${transid}`));
    const trace = router.at(-1);
    if (!trace) return 'the router does not remember why';
    const failed = trace.attempts.slice(0, -1).map((attempt) => attempt.region);
    return failed.length === 0 ? reasonText(trace.because) : `the next nearest, since ${failed.join(' and ')} did not answer`;
  }

  private async send(base: string, method: string, query: string, body?: object, from?: string): Promise<Answer> {
    const transid = randomBytes(16).toString('hex');
    const sentAt = performance.now();
    const response = await fetch(`${base}/api/v1/namespaces/_/actions/${this.action}${query}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(guestKey).toString('base64')}`,
        'x-request-id': transid,
        ...(body && { 'content-type': 'application/json' }),
        ...(from !== undefined && { 'x-forwarded-for': from }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(callMs),
    });
    const text = await response.text();
    const region = response.headers.get('x-isochrone-region') ?? 'nobody';
    return { status: response.status, region, text, tookMs: performance.now() - sentAt, transid };
  }
}

function nearest(world: World, caller: Point, down: readonly string[]): string {
  const up = world.regions.filter(({ id }) => !down.includes(id));
  return up.toSorted((a, b) => distanceKm(a.place, caller) - distanceKm(b.place, caller))[0]?.id ?? '';
}
