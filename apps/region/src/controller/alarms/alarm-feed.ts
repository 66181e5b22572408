import { Injectable } from '@nestjs/common';
import { Identities } from '#libs/auth';
import { asJsonText, type Json, type NamespaceId, type RegionCode, type RunOrder } from '#libs/domain';
import { exactText, isObject, parseExact } from '#libs/http';
import { Definitions } from '../definitions/definitions.js';
import { Settings } from '../settings.js';
import { AlarmBook } from './alarm-book.js';
import { changedTimetable, FeedRefusal, payloadOf, readTimetable, type FeedParameters, type FeedRules } from './alarm-request.js';
import type { Alarm } from './alarm.js';

/** How feeds of alarms are limited here. */
export class AlarmOptions {
  constructor(
    /** Whether timetables are limited to full minutes, as OpenWhisk's provider can be told to. */
    readonly fullMinutes: boolean,
  ) {}
}

/** One request of a feed. */
interface Asked {
  /** Whether whoever asks has shown that the trigger is his. */
  readonly entitled: boolean;
  readonly ns: NamespaceId;
  readonly namespace: string;
  readonly trigger: string;
  readonly params: FeedParameters;
  /** The trigger's payload exactly as it was given, as JSON text; undefined where that is nothing. */
  readonly payload: string | undefined;
  readonly rules: FeedRules;
}

const success = { status: 'success' } as const;

/** The feeds of `/whisk.system/alarms`: they make, show, change and delete the alarm of a trigger of whoever invokes them. */
@Injectable()
export class AlarmFeed {
  /** What each lifecycle event does. */
  private readonly events: Readonly<Record<string, (asked: Asked) => Promise<Json>>> = {
    CREATE: (asked) => this.create(asked),
    READ: (asked) => this.read(asked),
    UPDATE: (asked) => this.update(asked),
    DELETE: (asked) => this.remove(asked),
  };

  constructor(
    private readonly book: AlarmBook,
    private readonly definitions: Definitions,
    private readonly identities: Identities,
    private readonly settings: Settings,
    private readonly options: AlarmOptions,
  ) {}

  /** The result of an invocation; what it refuses is an error in it. Throws where the store does not answer. */
  async run({ ns, namespace }: Pick<RunOrder, 'ns' | 'namespace'>, args: Uint8Array): Promise<Json> {
    const text = Buffer.from(args).toString('utf8');
    const params = JSON.parse(text) as FeedParameters;
    try {
      const event = Object.entries(this.events).find(([name]) => name === params['lifecycleEvent'])?.[1];
      if (!event) throw new FeedRefusal(unsupported);
      const named = readTriggerName(params['triggerName']);
      const { trigger } = named;
      const rules = { nowMs: Date.now(), fullMinutes: this.options.fullMinutes };
      const owner = await this.ownerOf(params['authKey'], { ns, namespace });
      const entitled = owner !== undefined && ['_', owner.namespace].includes(named.namespace);
      return await event({ ...(owner ?? { ns, namespace }), entitled, trigger, params, payload: readPayload(params, text), rules });
    } catch (thrown) {
      if (!(thrown instanceof FeedRefusal)) throw thrown;
      return { error: thrown.message === unsupported ? unsupported : { error: thrown.message } };
    }
  }

  private async create(asked: Asked): Promise<Json> {
    const { ns, trigger, params, payload, rules } = asked;
    const timetable = readTimetable(params, rules);
    await this.checkTrigger(asked);
    const status = { active: true, dateChanged: rules.nowMs };
    await this.book.create(ns, trigger, { timetable, namespace: asked.namespace, owner: this.here, status }, asJsonText(payload ?? '{}'));
    return success;
  }

  private async read(asked: Asked): Promise<Json> {
    await this.checkTrigger(asked);
    const alarm = await this.alarm(asked);
    return shown(alarm, asked.namespace, JSON.parse(await this.book.payload(alarm)) as Json);
  }

  /** An update sets an alarm going again, whatever had stopped it. */
  private async update(asked: Asked): Promise<Json> {
    await this.checkTrigger(asked);
    const alarm = await this.alarm(asked);
    const { params, payload, rules } = asked;
    if (!changedTimetable(alarm.timetable, params, rules) && payload === undefined)
      throw new FeedRefusal('no updatable parameters were specified');
    const status = { active: true, dateChanged: rules.nowMs };
    const changed = await this.book.change(
      alarm,
      ({ timetable, namespace }) => ({
        timetable: changedTimetable(timetable, params, rules) ?? timetable,
        namespace,
        owner: this.here,
        status,
      }),
      payload === undefined ? undefined : asJsonText(payload),
    );
    if (!changed) throw notFound(asked);
    return success;
  }

  private async remove(asked: Asked): Promise<Json> {
    await this.checkTrigger(asked, true);
    if (!(await this.book.remove(await this.alarm(asked)))) throw notFound(asked);
    return success;
  }

  private async alarm(asked: Asked): Promise<Alarm> {
    const alarm = await this.book.find(asked.ns, asked.trigger);
    if (!alarm) throw notFound(asked);
    return alarm;
  }

  /** Whose trigger is meant: of the namespace whose key is given, else of whoever invokes the feed; undefined where the key is no good. */
  private async ownerOf(key: Json | undefined, invoker: Pick<RunOrder, 'ns' | 'namespace'>): Promise<typeof invoker | undefined> {
    if (key === undefined || key === null) return invoker;
    const [uuid = '', ...secret] = typeof key === 'string' ? key.split(':') : [];
    const owner = await this.identities.byKey(uuid.toLowerCase(), secret.join(':'));
    return owner && { ns: owner.ns, namespace: owner.namespace };
  }

  /** The trigger must be there and its owner's; one that is to lose its alarm may be gone already. */
  private async checkTrigger({ entitled, ns, trigger }: Asked, mayBeGone = false): Promise<void> {
    if (!entitled) throw unauthorized();
    const entity = await this.definitions.read(ns, trigger);
    if (entity ? entity.type !== 'trigger' : !mayBeGone) throw unauthorized();
  }

  private get here(): RegionCode {
    return this.settings.region.code;
  }
}

const unsupported = 'unsupported lifecycleEvent';

/** The trigger's own name and the namespace it is said to be in, `_` where none is named. */
function readTriggerName(given: Json | undefined): { readonly namespace: string; readonly trigger: string } {
  if (typeof given !== 'string' || given === '') throw new FeedRefusal('no trigger name parameter was provided');
  if (!given.startsWith('/')) return { namespace: '_', trigger: given };
  const [, namespace = '', ...name] = given.split('/');
  return { namespace, trigger: name.join('/') };
}

/** The payload with its numbers as they were spelled. */
function readPayload(params: FeedParameters, text: string): string | undefined {
  const given = params['trigger_payload'];
  if (!given) return undefined;
  if (typeof given !== 'object' || Array.isArray(given)) return JSON.stringify(payloadOf(given));
  const exact = parseExact(text);
  return isObject(exact) && exact['trigger_payload'] !== undefined ? exactText(exact['trigger_payload']) : JSON.stringify(given);
}

function shown({ trigger, timetable, status }: Alarm, namespace: string, payload: Json): Json {
  const { kind, ...times } = timetable;
  const strict = kind === 'cron' ? (timetable.strict ?? false) : false;
  const { maxTriggers: _max, ...config } = times as typeof times & { maxTriggers?: number };
  const seconds = `${new Date(status.dateChanged).toISOString().slice(0, 19)}Z`;
  return withoutHoles({
    config: { name: trigger, namespace, payload, ...config, strict },
    status: { active: status.active, dateChanged: status.dateChanged, dateChangedISO: seconds, reason: status.reason },
  });
}

/** Members without a value are none. */
function withoutHoles(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function unauthorized(): FeedRefusal {
  return new FeedRefusal('Trigger authentication request failed.');
}

function notFound({ namespace, trigger }: Pick<Asked, 'namespace' | 'trigger'>): FeedRefusal {
  return new FeedRefusal(`could not find trigger /${namespace}/${trigger} in the database`);
}
