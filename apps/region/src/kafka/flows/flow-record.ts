import {
  annotation,
  limitsJson,
  toJsonText,
  type ActivationId,
  type ActivationRecord,
  type ActivationResponse,
  type Annotation,
  type Flow,
  type JsonText,
  type Ran,
  type RunOrder,
} from '#libs/domain';
import { keeping, type PublicOrder } from '../message.js';

/** Flows of one kind. */
export type FlowOf<K extends Flow['kind']> = Extract<Flow, { readonly kind: K }>;

/** What the activations that a flow caused add up to. */
export interface Tally {
  readonly ids: readonly ActivationId[];
  readonly durationMs: number;
  /** The largest memory of any that ran, MiB; undefined while none did. */
  readonly memoryMiB: number | undefined;
  readonly ran: Ran;
}

/** How a flow ended. */
export interface FlowEnd {
  readonly response: ActivationResponse;
  readonly tally: Tally;
}

/** The tally of a flow that begins; `ran` is what the flows around it have caused. */
export function noTally(ran: Ran): Tally {
  return { ids: [], durationMs: 0, memoryMiB: undefined, ran };
}

/** The tally with one more activation, of which `ran` is what was caused by now. */
export function counted(tally: Tally, record: ActivationRecord, ran: Ran): Tally {
  const memories = [tally.memoryMiB, memoryOf(record)].filter((memory) => memory !== undefined);
  return {
    ids: [...tally.ids, record.activationId],
    durationMs: tally.durationMs + (record.duration ?? 0),
    memoryMiB: memories.length === 0 ? undefined : Math.max(...memories),
    ran,
  };
}

/** The record of a flow: its logs are the ids of what it caused, its duration is the sum of theirs. */
export function flowRecord(
  order: RunOrder,
  { response, tally }: FlowEnd,
  run: { readonly startMs: number; readonly endMs: number; readonly region: string; readonly attempt: number },
): ActivationRecord {
  const { startMs, endMs, region, attempt } = run;
  const waitMs = Math.max(0, startMs - order.acceptedAtMs);
  return {
    activationId: order.activationId,
    ns: order.ns,
    namespace: order.namespace,
    name: order.action.name,
    filterName: order.filterName,
    version: order.action.version,
    subject: order.subject,
    start: startMs,
    end: Math.max(startMs, endMs),
    duration: tally.durationMs,
    ...(order.cause === undefined ? {} : { cause: order.cause }),
    response,
    logs: tally.ids,
    annotations: [...flowAnnotations(order, waitMs, tally.memoryMiB), { key: 'region', value: toJsonText(region) }],
    trace: { transid: order.transid, region, start: 'none', waitMs, attempt, ran: tally.ran, ...keeping(order) },
  };
}

/** Annotations of a flow's record. `memoryMiB` is the largest of what it caused: without that there are no limits to tell. */
export function flowAnnotations(order: PublicOrder, waitMs: number, memoryMiB: number | undefined): Annotation[] {
  const all: (readonly [string, JsonText] | false)[] = [
    ['topmost', toJsonText(order.cause === undefined)],
    order.flow?.kind === 'composition' && ['conductor', toJsonText(true)],
    ['path', toJsonText(order.action.fqn)],
    ['kind', toJsonText('sequence')],
    order.cause !== undefined && ['causedBy', toJsonText('sequence')],
    ['waitTime', toJsonText(waitMs)],
    order.binding !== undefined && ['binding', toJsonText(order.binding)],
    memoryMiB !== undefined && ['limits', limitsJson({ ...order.action.limits, memory: memoryMiB })],
  ];
  return all.filter((entry) => entry !== false).map(([key, value]) => ({ key, value }));
}

/** The memory that a record's limits tell; undefined where nothing ran. */
function memoryOf(record: ActivationRecord): number | undefined {
  const limits = annotation(record, 'limits');
  return limits === undefined ? undefined : (JSON.parse(limits) as { memory: number }).memory;
}
