import { Injectable } from '@nestjs/common';
import type { Identity } from '#libs/auth';
import { errorResult, type JsonText, type RunOrder } from '#libs/domain';
import { exactText, type ExactJson } from '#libs/http';
import { readReference, referenceText } from '../../controller/definitions/reference.js';
import type { ResolvedAction } from '../../controller/definitions/resolver.js';
import { flowOf, noneRan } from '../../controller/invocations/flow.js';
import { payloadOf } from '../../controller/invocations/payload.js';
import { Settings } from '../../controller/settings.js';
import { Components, type Inner } from './components.js';
import { nextInput, readActionName, readDirective, type Directive } from './directive.js';
import { counted, noTally, type FlowEnd, type FlowOf, type Tally } from './flow-record.js';

type Call = Extract<Directive, { kind: 'call' }>;

/** What an activation led to: the tally with it, and the text it answered; or the end of the composition. */
type Step = { readonly tally: Tally; readonly result: JsonText } | FlowEnd;

const tooMany = 'Too many actions in the composition.';

/** Runs compositions: a conductor says which action comes next, hears what it answered, and says again, until it names none. */
@Injectable()
export class Compositions {
  constructor(
    private readonly components: Components,
    private readonly settings: Settings,
  ) {}

  /** Runs a composition to its end; never rejects for what its conductor or its components do. */
  async run(order: RunOrder, flow: FlowOf<'composition'>, args: Uint8Array): Promise<FlowEnd> {
    const max = this.settings.profile.sequenceLength;
    let tally = noTally(flow.ran);
    const identity = await this.components.identity(order.namespace);
    if (!identity) return failure(tally);
    const conductor = await this.components.find(identity, conductorOf(order));
    if (conductor.kind !== 'found') return failure(tally);

    let input: JsonText | undefined = Buffer.from(args).toString('utf8') as JsonText;
    while (tally.ran.conductors <= 2 * max && flow.depth < max) {
      const told = await this.components.run(order, conductor.resolved, payloadOf(input ?? '{}'), undefined);
      if (told.kind !== 'ended') return lost(tally, told);
      tally = counted(tally, told.record, { ...tally.ran, conductors: tally.ran.conductors + 1 });
      const directive = readDirective(told.record.response);
      if (directive.kind === 'end') return { response: directive.response, tally };

      const step = await this.call(identity, order, directive, tally);
      if (!('result' in step)) return step;
      ({ tally } = step);
      input = nextInput(step.result, directive.state);
    }
    return ended(1, tooMany, tally);
  }

  /** Runs the action that a conductor names. What is wrong with that is told to the conductor as a result. */
  private async call(identity: Identity, order: RunOrder, { action, params }: Call, tally: Tally): Promise<Step> {
    const told = (text: string): Step => ({ tally, result: errorResult(text) });
    const reference = readActionName(action, identity.namespace);
    if (!reference) return told(`Failed to parse action name from json value ${exactText(action)} during composition.`);
    if (tally.ran.components >= this.settings.profile.sequenceLength) return told(tooMany);

    const name = referenceText(reference).slice(1);
    const found = await this.components.findWhole(identity, reference);
    switch (found.kind) {
      case 'missing':
        return told(`Failed to resolve action with name '${name}' during composition.`);
      case 'forbidden':
        return told(`Failed entitlement check for action with name '${name}' during composition.`);
      case 'failed':
        return failure(tally);
      case 'found':
        return this.invoke(order, found.resolved, params ?? {}, tally);
    }
  }

  /** A composition inside goes on counting where this one stands; a sequence is one component. */
  private async invoke(order: RunOrder, resolved: ResolvedAction, params: ExactJson, tally: Tally): Promise<Step> {
    const ran = { ...tally.ran, components: tally.ran.components + 1 };
    const shares = resolved.action.exec.type !== 'sequence';
    const flow = flowOf(resolved, { ran: shares ? ran : noneRan, depth: (order.flow?.depth ?? 0) + 1 });
    const became = await this.components.run(order, resolved, payloadOf(exactText(params)), flow);
    if (became.kind !== 'ended') return lost(tally, became);
    const { trace, response } = became.record;
    return { tally: counted(tally, became.record, (shares && trace.ran) || ran), result: response.result ?? errorResult('') };
  }
}

/** The conductor, as it was invoked: through a binding where there was one. */
function conductorOf({ action, binding, namespace }: RunOrder) {
  return readReference(binding === undefined ? action.fqn : `${binding}/${action.name}`, namespace);
}

function failure(tally: Tally): FlowEnd {
  return ended(3, 'Activation failure during composition.', tally);
}

/** The end where an activation is not known to have ended. */
function lost(tally: Tally, inner: Exclude<Inner, { kind: 'ended' }>): FlowEnd {
  if (inner.kind === 'failed') return failure(tally);
  const ids = [...tally.ids, inner.id];
  return ended(3, `Timeout reached when retrieving activation ${inner.id} during composition.`, { ...tally, ids });
}

function ended(statusCode: 1 | 3, text: string, tally: Tally): FlowEnd {
  return { response: { statusCode, result: errorResult(text) }, tally };
}
