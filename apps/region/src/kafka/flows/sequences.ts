import { Injectable } from '@nestjs/common';
import { Tokens } from '#libs/auth';
import { asJsonText, errorResult, type ActivationResponse, type RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { isValidator, validate } from '../../controller/adobe/adobe-auth.js';
import { readReference } from '../../controller/definitions/reference.js';
import { flowOf, noneRan } from '../../controller/invocations/flow.js';
import { payloadOf } from '../../controller/invocations/payload.js';
import { Settings } from '../../controller/settings.js';
import { Components } from './components.js';
import { counted, noTally, type FlowEnd, type FlowOf, type Tally } from './flow-record.js';
import { stops } from './stops.js';

/** Runs sequences: one component after another, each with the result of the one before, until one has an error. */
@Injectable()
export class Sequences {
  constructor(
    private readonly components: Components,
    private readonly tokens: Tokens,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  /** Runs a sequence to its end; never rejects for what its components do. */
  async run(order: RunOrder, flow: FlowOf<'sequence'>, args: Uint8Array): Promise<FlowEnd> {
    const max = this.settings.profile.sequenceLength;
    let tally: Tally = noTally(flow.ran);
    const end = (statusCode: 1 | 3, text: string): FlowEnd => ({ response: { statusCode, result: errorResult(text) }, tally });
    let result = Buffer.from(args).toString('utf8');
    let response: ActivationResponse | undefined;

    // What a sequence names is the affair of who made it: that its caller may use it was asked when it was called.
    const owner = await this.components.identity(order.action.fqn.split('/')[0] ?? '');
    for (const component of flow.components) {
      if (tally.ran.components >= max || flow.depth >= max) return end(1, 'Too many actions in the sequence.');
      if (isValidator(component)) {
        const verdict = await this.validate(order, result);
        if (verdict === 'unknown') return end(3, 'Sequence failed.');
        response = verdict;
        if (stops(response)) break;
        continue;
      }
      const found = owner ? await this.components.find(owner, readReference(component, owner.namespace)) : ({ kind: 'missing' } as const);
      if (found.kind === 'failed') return end(3, 'Sequence failed.');
      if (found.kind !== 'found') return end(1, 'Sequence component does not exist.');

      const { action } = found.resolved;
      const inlined = action.exec.type === 'sequence';
      const inner = flowOf(found.resolved, { ran: inlined ? tally.ran : noneRan, depth: flow.depth + 1 });
      const became = await this.components.run(order, found.resolved, payloadOf(result), inner);
      if (became.kind === 'failed') return end(3, 'Sequence failed.');
      if (became.kind === 'unknown') {
        tally = { ...tally, ids: [...tally.ids, became.id] };
        return end(3, `Timeout reached when retrieving activation ${became.id} for sequence component.`);
      }

      const one = { ...tally.ran, components: tally.ran.components + 1 };
      tally = counted(tally, became.record, inlined ? (became.record.trace.ran ?? one) : one);
      ({ response } = became.record);
      if (stops(response)) break;
      result = response.result ?? '{}';
    }
    return response ? { response, tally } : end(3, 'Sequence failed.');
  }

  /** What a validator of Adobe's answers: its own payload, or that there is no good token in it. */
  private async validate({ activationId, transid }: RunOrder, payload: string): Promise<ActivationResponse | 'unknown'> {
    try {
      const refused = await validate(this.tokens, payload);
      return refused === undefined ? { statusCode: 0, result: asJsonText(payload) } : { statusCode: 1, result: refused };
    } catch (cause) {
      this.logger.warn('a token could not be verified', { activationId, transid }, cause);
      return 'unknown';
    }
  }
}
