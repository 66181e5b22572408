import type { BeforeApplicationShutdown } from '@nestjs/common';
import { asJsonText, Failure, readActivationId, type ActivationId, type Transid, type World, type WorldRegion } from '#libs/domain';
import { failureAnswer, jsonAnswer, restManner, type Answer } from '#libs/http';
import { Agent, request } from 'undici';
import type { EntityCall } from '../rest/call.js';

const answerMs = 10_000;

/** Where records live that this region does not have: an activation's id names the region that accepted it, and that one is asked. */
export class OwnerRegion implements BeforeApplicationShutdown {
  private readonly agent = new Agent({ connectTimeout: 3000, headersTimeout: answerMs, bodyTimeout: answerMs });

  constructor(
    private readonly world: World,
    private readonly own: WorldRegion,
  ) {}

  /** The other region that accepted an activation, or undefined where it is this one or none. */
  of(id: ActivationId): WorldRegion | undefined {
    const { region } = readActivationId(id);
    return region === this.own.code ? undefined : this.world.regions.find(({ code }) => code === region);
  }

  /**
   * What the owner answers to the caller's own request: never more than one hop, for the owner asks nobody. Throws `region-unreachable` where it
   * cannot be asked.
   */
  async ask(owner: WorldRegion, id: ActivationId, { headers, target, transid }: EntityCall): Promise<Answer> {
    const part = target.part === undefined ? '' : `/${target.part}`;
    try {
      const answer = await request(`${owner.url}/api/v1/namespaces/_/activations/${id}${part}`, {
        dispatcher: this.agent,
        headers: { authorization: headers.authorization ?? '', 'x-request-id': transid },
        signal: AbortSignal.timeout(answerMs),
      });
      const text = await answer.body.text();
      if (answer.statusCode === 200) return jsonAnswer(200, asJsonText(text));
      // A key that has not got there yet has no records there either.
      if (![401, 403, 404].includes(answer.statusCode)) throw new Error(`it answered ${answer.statusCode}`);
      const state = answer.headers['x-isochrone-state'];
      return missing(transid, typeof state === 'string' ? state : undefined);
    } catch (cause) {
      throw new Failure('region-unreachable', { region: owner.id }, { retryAfterS: 1, cause });
    }
  }

  /** Ends the connections to other regions. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.agent.close();
  }
}

/** The answer where there is no record; `state` tells an activation that has not ended from one that never was. */
export function missing(transid: Transid, state?: string): Answer {
  const answer = failureAnswer(new Failure('not-found'), restManner(transid));
  return state === undefined ? answer : { ...answer, headers: { ...answer.headers, 'x-isochrone-state': state } };
}
