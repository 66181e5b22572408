import { Injectable } from '@nestjs/common';
import type { ActivationId, RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { decodeResult, frameTypes, type Frame } from '#libs/wire';
import type { InvokerStatus } from '../acceptance.js';
import { choose } from './choose.js';
import { InvokerLink } from './invoker-link.js';
import { RecordWaiters } from './record-waiters.js';

const forgetEveryMs = 30_000;
/** How much longer than its time limit a run may go unanswered before its place is given free, ms: it may wait in a queue. */
const marginMs = 10 * 60_000;

/** Where the invokers are, and who we are to them. */
export class DispatcherOptions {
  constructor(
    readonly addresses: readonly string[],
    readonly name: string,
    readonly token: string,
  ) {}
}

/** Runs flows, which no invoker does. */
export interface FlowRunner {
  /** Whether a flow runs there. */
  has(id: ActivationId): boolean;
  /** Takes a flow and runs it to its end, unless there is no room: then false. */
  take(order: RunOrder, args: Uint8Array): boolean;
}

/** A run that an invoker has. The invocation is kept until it has started: only until then another may be asked. */
interface Flight {
  readonly link: InvokerLink;
  readonly action: string;
  readonly tried: ReadonlySet<InvokerLink>;
  readonly endMs: number;
  invocation: { readonly order: RunOrder; readonly args: Uint8Array } | undefined;
}

/**
 * Sends runs to invokers and hears of their ends. It promises nothing: a run that no invoker takes, or whose invoker is lost, is left to
 * recovery, which alone may send it again.
 */
@Injectable()
export class Dispatcher {
  private readonly links: readonly InvokerLink[];
  private readonly flights = new Map<ActivationId, Flight>();
  private readonly inFlight = new Map<InvokerLink, number>();
  private keeping: Promise<unknown> | undefined;
  private forgetting: NodeJS.Timeout | undefined;
  private flows: FlowRunner | undefined;

  constructor(
    options: DispatcherOptions,
    private readonly waiters: RecordWaiters,
    logger: Logger,
  ) {
    const events = { frame: this.take.bind(this), closed: this.lost.bind(this) };
    this.links = options.addresses.map((address) => new InvokerLink(address, options, events, logger));
  }

  begin(): void {
    this.keeping = Promise.all(this.links.map((link) => link.keep()));
    this.forgetting = setInterval(() => this.forget(Date.now()), forgetEveryMs);
  }

  /** From now on flows are run here: what they cause comes back to this dispatcher. */
  serve(flows: FlowRunner): void {
    this.flows = flows;
  }

  async end(): Promise<void> {
    clearInterval(this.forgetting);
    for (const link of this.links) link.close();
    await this.keeping;
  }

  get status(): InvokerStatus[] {
    return this.links.map((link) => link.status);
  }

  /** Runs that the invokers take beyond those they have. */
  get capacity(): number {
    return this.load().reduce((sum, { credits, inFlight }) => sum + Math.max(0, credits - inFlight), 0);
  }

  /** What the invokers run for this process: each activation with its action, `NS/[PKG/]ACT@VERSION`. */
  get running(): { readonly id: ActivationId; readonly action: string }[] {
    return [...this.flights].map(([id, { action }]) => ({ id, action }));
  }

  /** Whether an invoker has this run, or it is a flow that runs here, as far as this process knows. */
  has(id: ActivationId): boolean {
    return this.flights.has(id) || (this.flows?.has(id) ?? false);
  }

  /** Sends a run to the invoker that suits it best, and starts a flow here; false where none takes any. */
  dispatch(order: RunOrder, args: Uint8Array): boolean {
    if (this.has(order.activationId)) return true;
    if (!order.flow) return this.send(order, args, new Set());
    const taken = this.flows?.take(order, args) ?? false;
    if (!taken) this.leave(order.activationId);
    return taken;
  }

  private send(order: RunOrder, args: Uint8Array, tried: ReadonlySet<InvokerLink>): boolean {
    const { activationId: id, action } = order;
    const chosen = choose(
      `${action.entityId}/${action.hlc}`,
      this.load().filter(({ link }) => !tried.has(link)),
    );
    if (!chosen) {
      this.leave(id);
      return false;
    }
    const { link } = chosen;
    const endMs = Date.now() + action.limits.timeout + marginMs;
    const name = `${action.fqn}@${action.version}`;
    this.depart(id, { link, action: name, tried: new Set([...tried, link]), endMs, invocation: { order, args } });
    link.run(order, args);
    return true;
  }

  private load(): { link: InvokerLink; name: string; credits: number; inFlight: number }[] {
    return this.links.map((link) => ({ link, name: link.name, credits: link.credits, inFlight: this.inFlight.get(link) ?? 0 }));
  }

  private depart(id: ActivationId, flight: Flight): void {
    this.arrive(id);
    this.flights.set(id, flight);
    this.inFlight.set(flight.link, (this.inFlight.get(flight.link) ?? 0) + 1);
  }

  private arrive(id: ActivationId): void {
    const flight = this.flights.get(id);
    if (!flight) return;
    this.flights.delete(id);
    this.inFlight.set(flight.link, (this.inFlight.get(flight.link) ?? 0) - 1);
  }

  private take(link: InvokerLink, frame: Frame): void {
    const id = frame.id as ActivationId;
    const flight = this.flights.get(id);
    if (frame.type === frameTypes.STARTED && flight) flight.invocation = undefined;
    if (frame.type === frameTypes.REFUSE && flight?.link === link) this.refused(id, flight, frame.head['reason']);
    if (frame.type !== frameTypes.RESULT) return;
    this.arrive(id);
    this.waiters.settle(decodeResult(frame.payload));
  }

  private refused(id: ActivationId, { link, tried, invocation }: Flight, reason: unknown): void {
    if (reason === 'draining') link.drains();
    const another = (reason === 'busy' || reason === 'draining') && invocation;
    if (another) {
      this.arrive(id);
      this.send(another.order, another.args, tried);
    } else this.leave(id);
  }

  private lost(link: InvokerLink): void {
    for (const [id, flight] of this.flights) if (flight.link === link) this.leave(id);
  }

  private forget(nowMs: number): void {
    for (const [id, { endMs }] of this.flights) if (endMs < nowMs) this.leave(id);
  }

  private leave(id: ActivationId): void {
    this.arrive(id);
    this.waiters.left(id);
  }
}
