import { Operators, type Identity } from '#libs/auth';
import {
  asJsonText,
  limitProfiles,
  toJsonText,
  type Action,
  type ActivationId,
  type ActivationRecord,
  type Flow,
  type RunOrder,
  type StatusCode,
  type WorldRegion,
  nodeKinds,
} from '#libs/domain';
import type { Reference } from '../../controller/definitions/reference.js';
import type { ResolvedAction } from '../../controller/definitions/resolver.js';
import { noneRan } from '../../controller/invocations/flow.js';
import type { ListPayload, Payload } from '../../controller/invocations/payload.js';
import { Settings } from '../../controller/settings.js';
import { anOrder } from '../../invoker/order.fixture.js';
import type { Components, Found, Inner } from './components.js';
import type { FlowOf } from './flow-record.js';

/** What an action answers, given the text of its payload. */
export type Answering = (payload: string) => readonly [StatusCode, string] | 'failed' | 'unknown';

/** Settings of a region in a spec. */
export const settings = new Settings(
  limitProfiles.openwhisk,
  { id: 'eu-west-1' } as unknown as WorldRegion,
  new Operators(''),
  nodeKinds,
  '',
);

/** An order for a flow whose action is `guest/p/hello`. */
export function aFlow<K extends Flow['kind']>(
  flow: Partial<FlowOf<K>> & { kind: K },
  cause?: string,
): RunOrder & { readonly flow: FlowOf<K> } {
  const whole = { ...(flow.kind === 'sequence' ? { components: [] } : {}), ran: noneRan, depth: 0, ...flow } as unknown as FlowOf<K>;
  return { ...anOrder(cause === undefined ? {} : { cause }), flow: whole };
}

/** Actions of the namespace `guest` that answer as they are told, as far as a flow goes; `asked` notes what was run with what. */
export class ScriptedComponents implements Pick<Components, 'identity' | 'find' | 'findWhole' | 'run'> {
  readonly asked: string[] = [];
  readonly flows: (Flow | undefined)[] = [];
  private count = 0;

  constructor(
    private readonly actions: Readonly<Record<string, Answering>>,
    private readonly execs: Readonly<Record<string, Action['exec']>> = {},
  ) {}

  identity(namespace: string): Promise<Identity | undefined> {
    return Promise.resolve({ subject: namespace, namespace, ns: anOrder().ns, limits: {} });
  }

  find(_caller: Identity, { name, namespace }: Reference): Promise<Found> {
    if (namespace !== 'guest') return Promise.resolve({ kind: 'forbidden' });
    if (!this.actions[name]) return Promise.resolve({ kind: 'missing' });
    const action = { exec: this.execs[name] ?? { type: 'code' }, annotations: [] } as unknown as Action;
    return Promise.resolve({ kind: 'found', resolved: { action, name, owner: { name: 'guest' } } as ResolvedAction });
  }

  findWhole(caller: Identity, reference: Reference): Promise<Found> {
    return this.find(caller, reference);
  }

  run(_outer: RunOrder, { name }: ResolvedAction, payload: Payload | ListPayload, flow: Flow | undefined): Promise<Inner> {
    const text = Buffer.from('list' in payload ? payload.list : payload.body).toString();
    this.asked.push(`${name} ${text}`);
    this.flows.push(flow);
    this.count += 1;
    const id = String(this.count).padStart(32, '0') as ActivationId;
    const told = this.actions[name]?.(text) ?? 'failed';
    if (told === 'failed') return Promise.resolve({ kind: 'failed' });
    if (told === 'unknown') return Promise.resolve({ kind: 'unknown', id });
    return Promise.resolve({ kind: 'ended', record: aRecord(id, told, flow) });
  }
}

/** A record of 10 ms and 256 MB; one of a flow has caused two more components than those around it. */
export function aRecord(id: ActivationId, [statusCode, result]: readonly [StatusCode, string], flow?: Flow): ActivationRecord {
  const ran = flow && { ...flow.ran, components: flow.ran.components + 2 };
  return {
    activationId: id,
    duration: 10,
    response: { statusCode, result: asJsonText(result), size: result.length },
    annotations: [{ key: 'limits', value: toJsonText({ timeout: 1, memory: 256, logs: 1, concurrency: 1 }) }],
    logs: [],
    trace: ran ? { ran } : {},
  } as unknown as ActivationRecord;
}
