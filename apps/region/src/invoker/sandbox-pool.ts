import { Injectable } from '@nestjs/common';
import { Failure, SandboxDriver, type Sandbox, type StemSpec } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import * as pool from '#libs/pool';
import type { Job, Pool, SlotId, Waiting, WaitQueue } from '#libs/pool';
import { deadline, pause } from './deadline.js';
import { LiveSandbox, type Entry, type InitPlan } from './live-sandbox.js';
import { InvokerOptions } from './options.js';

const createMs = 30_000;
/** Pauses between the tries to make a sandbox for a call. */
const createPausesMs: readonly number[] = [200, 500, 1000, 2000];
const stemPauseMaxMs = 30_000;
const sweepMs = 100;

/** Where a call has been put. */
export type Seat = { readonly start: 'cold' | 'prewarmed' | 'warm'; readonly slot: SlotId } | { readonly start: 'never' | 'drained' };

/** A call's place in the queue. */
export interface Ticket {
  /** There once it has been put somewhere; `placed` resolves to it. */
  readonly seat: Seat | undefined;
  readonly placed: Promise<Seat>;
  /** Leaves the queue, as `drained`; nothing happens to a call that has a seat. */
  readonly giveUp: () => void;
}

interface Asked {
  seat: Seat | undefined;
  readonly seated: (seat: Seat) => void;
}

/** What the pool looks like from outside. */
export interface PoolFigures {
  readonly sandboxes: number;
  readonly running: number;
  readonly waiting: number;
  readonly freeMiB: number;
}

/** Performs what libs/pool decides: makes, fills, freezes and ends the sandboxes of this invoker. */
@Injectable()
export class SandboxPool {
  private state: Pool;
  private queue: WaitQueue<Asked> = pool.emptyQueue();
  private readonly live = new Map<SlotId, LiveSandbox>();
  private readonly goals: readonly pool.StemGoal[];
  private sweeper: NodeJS.Timeout | undefined;
  private made = 0;
  private stemPauseMs = 0;
  private stemming = false;
  private draining = false;

  constructor(
    private readonly driver: SandboxDriver,
    private readonly options: InvokerOptions,
    private readonly logger: Logger,
  ) {
    this.state = pool.emptyPool(options.capacityMiB);
    this.goals = options.stems.filter(({ spec }) => driver.info().kinds.includes(spec.kind));
  }

  /** Makes the first stems and keeps the pool in shape from now on. */
  begin(): void {
    this.sweeper = setInterval(() => this.sweep(), sweepMs).unref();
    void this.replenish();
  }

  /** Puts a call into the queue and places what can be placed; undefined where the queue has no room. */
  ask(job: Job): Ticket | undefined {
    let seated: (seat: Seat) => void = () => undefined;
    const placed = new Promise<Seat>((resolve) => (seated = resolve));
    const ticket: Asked & Ticket = { seat: undefined, seated, placed, giveUp: () => this.giveUp(call) };
    const call: Waiting<Asked> = { ticket, job, sinceMs: Date.now() };
    const queue = this.draining ? undefined : pool.enqueue(this.queue, call, this.options.queue);
    if (!queue) return undefined;
    this.queue = queue;
    this.dispatch();
    return ticket;
  }

  /** Whether a call runs as soon as it may: it has a seat in a sandbox that is initialised, or in a stem. */
  imminent({ seat }: Ticket): boolean {
    if (!seat || !('slot' in seat) || seat.start === 'cold') return false;
    const slot = this.state.slots.get(seat.slot);
    return seat.start === 'prewarmed' || (slot?.phase === 'bound' && slot.ready);
  }

  /** Makes the slot ready for a call that sits in it, initialising it by `plan` where that has not been done. */
  async enter(slot: SlotId, plan: () => Promise<InitPlan>): Promise<Entry> {
    const live = this.live.get(slot);
    if (!live) return { ok: false, outcome: { kind: 'not-provisioned' }, gone: true };
    const entry = await live.enter(plan);
    if (!entry.ok) this.state = pool.retire(this.state, slot);
    else if (entry.init) this.state = pool.initialised(this.state, slot);
    return entry;
  }

  /** A call leaves its slot; without `keep` the sandbox takes no more calls and ends after its last. */
  leave(slot: SlotId, keep: boolean): void {
    this.state = pool.release(this.state, slot, keep, Date.now());
    for (const over of pool.finished(this.state)) this.end(over);
    this.dispatch();
  }

  /** Sends everybody away who waits, and takes nobody any more. */
  drain(): void {
    this.draining = true;
    for (const { ticket } of pool.waiting(this.queue)) this.seat(ticket, { start: 'drained' });
    this.queue = pool.emptyQueue();
  }

  /** Ends every sandbox. */
  async close(): Promise<void> {
    this.draining = true;
    clearInterval(this.sweeper);
    await Promise.all([...this.live.values()].map((live) => live.kill()));
  }

  figures(): PoolFigures {
    const slots = [...this.state.slots.values()];
    return {
      sandboxes: slots.length,
      running: slots.reduce((sum, slot) => sum + (slot.phase === 'bound' ? slot.running : 0), 0),
      waiting: this.queue.depth,
      freeMiB: pool.freeMiB(this.state),
    };
  }

  private giveUp(call: Waiting<Asked>): void {
    if (call.ticket.seat) return;
    this.queue = pool.dequeue(this.queue, call, false);
    this.seat(call.ticket, { start: 'drained' });
  }

  private seat(ticket: Asked, seat: Seat): void {
    ticket.seat = seat;
    ticket.seated(seat);
  }

  private dispatch(): void {
    for (let got = this.next(); got; got = this.next()) {
      const { call, placement } = got;
      this.queue = pool.dequeue(this.queue, call, true);
      if (placement.start === 'never') {
        this.seat(call.ticket, placement);
        continue;
      }
      const slot = placement.start === 'cold' ? this.makeRoom(placement.evict, call.job.spec) : placement.slot;
      this.state = pool.reserve(this.state, slot, call.job);
      this.seat(call.ticket, { start: placement.start, slot });
    }
  }

  private next(): ReturnType<typeof pool.next<Asked>> {
    return this.queue.depth === 0 ? undefined : pool.next(this.queue, this.state, Date.now(), this.options.queue);
  }

  /** Ends what is evicted and begins a sandbox that is made once the memory is really free. */
  private makeRoom(evict: readonly SlotId[], spec: StemSpec): SlotId {
    const ended = Promise.all(evict.flatMap((id) => this.live.get(id) ?? []).map((live) => live.kill()));
    for (const id of evict) this.drop(id);
    const slot = this.newSlot();
    this.watch(
      slot,
      ended.then(() => this.create(spec)),
    );
    return slot;
  }

  private async create(spec: StemSpec): Promise<Sandbox> {
    // No trying brings a runtime that is not here.
    if (!this.driver.info().kinds.includes(spec.kind)) throw new Failure('unavailable', { kind: spec.kind });
    for (const pauseMs of createPausesMs) {
      try {
        return await this.createOnce(spec);
      } catch (cause) {
        this.logger.warn('a sandbox could not be made; trying again', { kind: spec.kind, memoryMiB: spec.memoryMiB }, cause);
        await pause(pauseMs);
      }
    }
    return this.createOnce(spec);
  }

  /** A sandbox that comes after we stopped waiting for it is ended at once. */
  private createOnce(spec: StemSpec): Promise<Sandbox> {
    const creating = this.driver.create(spec);
    return deadline(creating, createMs, 'making a sandbox').catch((cause: unknown) => {
      creating
        .then(
          (late) => late.kill(),
          () => undefined,
        )
        .catch(() => undefined);
      throw cause;
    });
  }

  private watch(slot: SlotId, made: Promise<Sandbox>): void {
    this.live.set(slot, new LiveSandbox(made));
    made
      .then((sandbox) => sandbox.exited)
      .then(
        () => {
          this.drop(slot);
          this.dispatch();
        },
        () => undefined,
      );
  }

  private end(slot: SlotId): void {
    const live = this.live.get(slot);
    this.state = pool.close(this.state, slot);
    void live?.kill().then(() => {
      this.drop(slot);
      this.dispatch();
    });
  }

  private drop(slot: SlotId): void {
    this.live.delete(slot);
    this.state = pool.gone(this.state, slot);
  }

  private newSlot(): SlotId {
    this.made += 1;
    return `${this.options.name}-${this.made}` as SlotId;
  }

  private sweep(): void {
    const nowMs = Date.now();
    for (const slot of pool.reclaim(this.state, nowMs, this.options.profile)) this.end(slot);
    for (const [id, slot] of this.state.slots)
      if (pool.isIdle(slot) && nowMs - slot.idleSinceMs >= this.options.freezeAfterMs) this.live.get(id)?.freeze();
    // Time itself changes who is next: a large call gains precedence.
    this.dispatch();
    void this.replenish();
  }

  /** Makes the stems that are missing, one after the other so that calls are not slowed down; fewer and later when that fails. */
  private async replenish(): Promise<void> {
    if (this.stemming) return;
    this.stemming = true;
    for (let [spec] = this.stemPlan(); spec; [spec] = this.stemPlan()) {
      await pause(this.stemPauseMs);
      if (!this.stemPlan().includes(spec)) continue;
      const slot = this.newSlot();
      this.state = pool.makeStem(this.state, slot, spec);
      const made = this.createOnce(spec);
      this.watch(slot, made);
      try {
        await made;
        this.state = pool.stemMade(this.state, slot);
        this.stemPauseMs = 0;
      } catch (cause) {
        this.drop(slot);
        this.stemPauseMs = Math.min(stemPauseMaxMs, Math.max(500, this.stemPauseMs * 2));
        this.logger.warn('a stem cell could not be made', { kind: spec.kind, memoryMiB: spec.memoryMiB }, cause);
      }
      // A stem may be what somebody waits for.
      this.dispatch();
    }
    this.stemming = false;
  }

  private stemPlan(): StemSpec[] {
    return this.draining || this.queue.depth > 0 ? [] : pool.stemPlan(this.state, this.goals);
  }
}
