import {
  limitsJson,
  readActivationId,
  toJsonText,
  toResponse,
  type ActivationRecord,
  type Annotation,
  type DueActivation,
  type JsonText,
  type Outcome,
} from '#libs/domain';
import { flowAnnotations } from '../flows/flow-record.js';
import { keeping, type PublicOrder } from '../message.js';

/** What is known of an activation that ends without an invoker's word. `order` is missing where the queue's message cannot be read. */
export interface Unrun {
  readonly due: DueActivation;
  readonly order: PublicOrder | undefined;
  readonly outcome: Extract<Outcome, { kind: 'lost' | 'internal' }>;
  readonly region: string;
  readonly nowMs: number;
}

/** Results of these outcomes are our own short texts. */
const resultBytes = 4096;

/** The record of such an activation. It begins at its acceptance and has no duration: nobody knows how long it ran. */
export function unrunRecord({ due, order, outcome, region, nowMs }: Unrun): ActivationRecord {
  const start = order?.acceptedAtMs ?? acceptedAt(due, nowMs);
  return {
    activationId: due.id,
    ns: due.ns,
    namespace: order?.namespace ?? '',
    name: order?.action.name ?? 'unknown',
    filterName: order?.filterName ?? 'unknown',
    version: order?.action.version ?? '0.0.1',
    subject: order?.subject ?? '',
    start,
    end: Math.max(start, nowMs),
    duration: 0,
    ...(order?.cause === undefined ? {} : { cause: order.cause }),
    response: toResponse(outcome, resultBytes),
    logs: [],
    annotations: annotations(order, Math.max(0, nowMs - start)),
    trace: {
      transid: order?.transid ?? '',
      region,
      start: 'none',
      waitMs: Math.max(0, nowMs - start),
      attempt: due.attempt,
      ...(order && keeping(order)),
    },
  };
}

function annotations(order: PublicOrder | undefined, waitMs: number): Annotation[] {
  if (!order) return [{ key: 'kind', value: toJsonText('unknown') }];
  if (order.flow && order.flow.kind !== 'native') return flowAnnotations(order, waitMs, undefined);
  const all: (readonly [string, JsonText] | false)[] = [
    ['path', toJsonText(order.action.fqn)],
    ['kind', toJsonText(order.action.kind)],
    ['limits', limitsJson(order.action.limits)],
    ['timeout', toJsonText(false)],
    ['waitTime', toJsonText(waitMs)],
    order.binding !== undefined && ['binding', toJsonText(order.binding)],
    order.cause !== undefined && ['causedBy', toJsonText('sequence')],
  ];
  return all.filter((entry) => entry !== false).map(([key, value]) => ({ key, value }));
}

/** The time in an id of ours; an id that only looks like one may name any time. */
function acceptedAt({ id }: DueActivation, nowMs: number): number {
  const { acceptedAtMs } = readActivationId(id);
  return acceptedAtMs <= nowMs && acceptedAtMs > nowMs - 31 * 24 * 3600 * 1000 ? acceptedAtMs : nowMs;
}
