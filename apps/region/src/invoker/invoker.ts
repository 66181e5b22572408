import { Injectable } from '@nestjs/common';
import { concurrencyOf, keepsSandbox, type ActivationId, type ActivationRecord, type Outcome, type RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import type { Job } from '#libs/pool';
import { Claims, type Stage } from './claims.js';
import { CodeCache } from './code-cache.js';
import { initEnvironment, runEnvironment } from './environment.js';
import { boundedRun, type Entry, type InitPlan } from './live-sandbox.js';
import { InvokerOptions } from './options.js';
import { buildRecord, joinLogs, noLogs, type Ended } from './record.js';
import { RecordWriter } from './record-writer.js';
import { SandboxPool, type Seat, type Ticket } from './sandbox-pool.js';

const MiB = 1024 * 1024;
/** Sandboxes that one call may find dead before it is not provisioned. */
const sandboxesMax = 3;

/** Why a call is not taken: the sender may try another invoker, or leave it to recovery. */
export type RefusalReason = 'busy' | 'draining' | 'claimed' | 'done';

/** What a call's sender is told; nothing happens where it is gone. */
export interface Reply {
  started(start: 'cold' | 'prewarmed' | 'warm'): void;
  result(record: ActivationRecord): void;
  refuse(reason: RefusalReason): void;
}

type Start = Ended['start'];

/** A call's seat and what it found there. */
interface Prepared {
  readonly seat: Seat;
  readonly entry: Entry | undefined;
}

/** A call on its way to a seat. */
interface Seating {
  readonly ticket: Ticket;
  /** Never rejects. */
  readonly prepared: Promise<Prepared>;
}

/**
 * Runs activations: takes the right to run from the store, finds a sandbox, runs, and hands the record on. A call that is taken always runs,
 * whether its caller still waits or not: CANCEL and lost connections change nothing, because its id may be known to somebody.
 */
@Injectable()
export class Invoker {
  /** Calls that are here, each with the means to end its wait for a run. */
  private readonly calls = new Map<ActivationId, ((outcome: Outcome) => void) | undefined>();
  private stopping = false;

  constructor(
    private readonly claims: Claims,
    private readonly sandboxes: SandboxPool,
    private readonly code: CodeCache,
    private readonly records: RecordWriter,
    private readonly options: InvokerOptions,
    private readonly logger: Logger,
  ) {}

  get draining(): boolean {
    return this.stopping;
  }

  /** Calls that are here, waiting or running. */
  get load(): number {
    return this.calls.size;
  }

  /** Takes a call or refuses it. Resolves when it is over here; never rejects. */
  async take(order: RunOrder, args: Uint8Array, reply: Reply): Promise<void> {
    const { activationId: id } = order;
    if (this.stopping) return reply.refuse('draining');
    if (this.calls.has(id)) return reply.refuse('claimed');
    if (!this.claims.open || this.records.full) return reply.refuse('busy');
    this.calls.set(id, undefined);
    try {
      const outcome = unrunnable(order);
      await (outcome === undefined ? this.place(order, args, reply) : this.decline(order, outcome, reply));
    } catch (cause) {
      this.logger.warn('an activation could not be taken', { activationId: id, transid: order.transid }, cause);
      this.claims.forget(id);
      reply.refuse('busy');
    } finally {
      this.calls.delete(id);
    }
  }

  /** Takes no more calls and sends away who waits; those that run go on. */
  drain(): void {
    this.stopping = true;
    this.sandboxes.drain();
  }

  /** Waits for the calls that run, at most `ms`; what runs then is recorded as lost, so that every id ends. */
  async settle(ms: number): Promise<void> {
    const deadlineMs = Date.now() + ms;
    const until = async (limitMs: number): Promise<void> => {
      while (this.calls.size > 0 && Date.now() < limitMs) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await until(deadlineMs);
    for (const cut of this.calls.values()) cut?.({ kind: 'lost' });
    await until(deadlineMs + 1000);
  }

  /** Ends an activation that is not to run. */
  private async decline(order: RunOrder, outcome: Outcome, reply: Reply): Promise<void> {
    const right = await this.claims.take(order, 'claim');
    if (!right.granted) return reply.refuse(right.because === 'done' ? 'done' : 'claimed');
    await this.finish(order, right.attempt, { start: 'none', outcome }, reply);
  }

  private async place(order: RunOrder, args: Uint8Array, reply: Reply): Promise<void> {
    const seating = this.seat(order, args);
    if (!seating) return reply.refuse('busy');
    // A start that is imminent takes one step of the store, any other two: until it starts, an activation may still be given to another.
    const stage: Stage = this.sandboxes.imminent(seating.ticket) ? 'start' : 'claim';
    const attempt = await this.right(order, stage, seating, reply);
    if (attempt !== undefined) await this.proceed(order, args, reply, { stage, attempt, seating });
  }

  /** Finds a sandbox that is alive, starts, runs and tells. A sandbox that ended before it was of any use is replaced, a few times. */
  private async proceed(
    order: RunOrder,
    args: Uint8Array,
    reply: Reply,
    right: { readonly stage: Stage; readonly attempt: number; readonly seating: Seating },
  ): Promise<void> {
    let { stage, attempt } = right;
    let seating: Seating | undefined = right.seating;
    for (let tries = 1; seating && tries <= sandboxesMax; tries += 1) {
      const { seat, entry } = await seating.prepared;
      if (seat.start === 'drained' && stage === 'claim') {
        await this.claims.release(order);
        return reply.refuse('draining');
      }
      if (!entry || !('slot' in seat)) break;
      if (!entry.ok && !entry.gone) {
        this.sandboxes.leave(seat.slot, false);
        return this.finish(order, attempt, { start: seat.start, outcome: entry.outcome, init: entry.init }, reply);
      }
      if (entry.ok && stage === 'claim') {
        const started = await this.right(order, 'start', seating, reply);
        if (started === undefined) return this.claims.forget(order.activationId);
        [stage, attempt] = ['start', started];
        reply.started(seat.start);
      } else if (entry.ok && tries === 1) reply.started(seat.start);
      if (entry.ok && (await this.run(order, args, reply, { seat, entry, attempt }))) return;
      this.sandboxes.leave(seat.slot, false);
      seating = this.seat(order, args);
    }
    await this.finish(order, attempt, { start: 'none', outcome: { kind: 'not-provisioned' } }, reply);
  }

  /** Takes a right and returns its attempt; where it is not granted, gives up the seat and refuses. Throws when the store does not answer. */
  private async right(order: RunOrder, stage: Stage, seating: Seating, reply: Reply): Promise<number | undefined> {
    try {
      const right = await this.claims.take(order, stage);
      if (right.granted) return right.attempt;
      void this.leave(seating);
      reply.refuse(right.because === 'done' ? 'done' : 'claimed');
      return undefined;
    } catch (cause) {
      void this.leave(seating);
      throw cause;
    }
  }

  /** Runs and tells. False where the sandbox had ended and nothing was run. */
  private async run(
    order: RunOrder,
    args: Uint8Array,
    reply: Reply,
    { seat, entry, attempt }: { seat: Extract<Seat, { slot: unknown }>; entry: Extract<Entry, { ok: true }>; attempt: number },
  ): Promise<boolean> {
    const { activationId: id, action } = order;
    const timeoutMs = action.limits.timeout;
    const startMs = Date.now();
    const running = entry.sandbox.run({
      activationId: id,
      args,
      env: runEnvironment(order, startMs + timeoutMs, this.options),
      timeoutMs,
      logBytes: action.limits.logs * MiB,
      resultBytes: order.result?.bytes ?? this.options.profile.resultBytes,
    });
    const facts = await boundedRun(running, timeoutMs, (cut) => this.calls.set(id, cut));
    if (facts === 'gone') return false;
    const { outcome, durationMs: runMs, logs } = facts;
    const record = this.record(order, attempt, { start: seat.start, outcome, init: entry.init, startMs, runMs, logs });
    this.sandboxes.leave(seat.slot, keepsSandbox(record.response));
    await this.deliver(record, attempt, reply);
    return true;
  }

  /** Asks for a place and begins to make it ready; undefined where the queue is full. */
  private seat(order: RunOrder, args: Uint8Array): Seating | undefined {
    const ticket = this.sandboxes.ask(jobOf(order, args.length));
    return ticket && { ticket, prepared: this.prepare(order, ticket) };
  }

  /** Waits for a seat and makes it ready, fetching the code meanwhile. Never rejects. */
  private async prepare(order: RunOrder, ticket: Ticket): Promise<Prepared> {
    const seat = await ticket.placed;
    if (!('slot' in seat)) return { seat, entry: undefined };
    return { seat, entry: await this.sandboxes.enter(seat.slot, () => this.initPlan(order)) };
  }

  private async initPlan(order: RunOrder): Promise<InitPlan> {
    const { action } = order;
    const timeoutMs = action.limits.timeout;
    const code = await this.code.read(action).catch((cause: unknown) => {
      this.logger.error('code could not be read', { activationId: order.activationId, action: action.fqn }, cause);
      return undefined;
    });
    if (!code) return { outcome: { kind: 'internal', text: 'Action could not be fetched.' } };
    return {
      order: {
        activationId: order.activationId,
        name: action.name,
        main: action.main,
        binary: action.binary,
        code,
        env: initEnvironment(order, Date.now() + timeoutMs, this.options),
        timeoutMs,
        concurrency: concurrencyOf(action.kind, action.limits.concurrency),
      },
    };
  }

  /** Gives up a place in the queue, or a seat once it is ready: what was prepared serves the next call. */
  private async leave({ ticket, prepared }: Seating): Promise<void> {
    ticket.giveUp();
    const { seat, entry } = await prepared;
    if ('slot' in seat) this.sandboxes.leave(seat.slot, entry?.ok ?? false);
  }

  private async finish(order: RunOrder, attempt: number, end: End, reply: Reply): Promise<void> {
    await this.deliver(this.record(order, attempt, end), attempt, reply);
  }

  /** Safe first, then told. */
  private async deliver(record: ActivationRecord, attempt: number, reply: Reply): Promise<void> {
    await this.records.finish(record, attempt);
    reply.result(record);
  }

  private record(order: RunOrder, attempt: number, { start, outcome, init, startMs, runMs, logs }: End): ActivationRecord {
    const endMs = Date.now();
    return buildRecord({
      order,
      region: this.options.region,
      attempt,
      outcome,
      start,
      startMs: init?.startMs ?? startMs ?? endMs,
      endMs,
      ...(init ? { initMs: init.durationMs } : {}),
      ...(runMs === undefined ? {} : { runMs }),
      logs: joinLogs(init?.logs, logs ?? noLogs),
      resultBytes: this.options.profile.resultBytes,
    });
  }
}

/** How an activation ended, before it is a record. */
interface End {
  readonly start: Start;
  readonly outcome: Outcome;
  readonly init?: Entry['init'] | undefined;
  readonly startMs?: number;
  readonly runMs?: number;
  readonly logs?: Ended['logs'];
}

/** Why no sandbox may ever run this, in OpenWhisk's words. */
function unrunnable({ action, refusal }: RunOrder): Outcome | undefined {
  if (refusal !== undefined) return { kind: 'refused', text: refusal };
  if (action.limits.instances === 0) return { kind: 'refused', text: 'Too many concurrent requests in flight (count: 1, allowed: 0).' };
  return action.image === undefined ? undefined : { kind: 'not-pulled', image: action.image };
}

function jobOf({ ns, action, binding }: RunOrder, argumentBytes: number): Job {
  const { entityId, hlc, kind, limits } = action;
  return {
    tenant: { ns, entityId, hlc, binding },
    spec: { kind, memoryMiB: limits.memory },
    concurrency: concurrencyOf(kind, limits.concurrency),
    instances: limits.instances,
    bytes: argumentBytes,
  };
}
