import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import {
  Failure,
  type ActivationId,
  type InitOrder,
  type Outcome,
  type Phase,
  type RunLogs,
  type Sandbox,
  type SandboxRun,
  type StemSpec,
} from '#libs/domain';
import { Connection, frameTypes, type Frame } from '#libs/wire';
import type { ExitCause } from '../spawner/protocol.js';
import { RunLog, wholeCharacters, type PrintedAt } from './run-log.js';

/** How a sandbox reaches its process tree. */
export interface SandboxLifeline {
  kill(): void;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Resolves when what the tree wrote to its own descriptors so far has arrived. */
  drain(): Promise<void>;
}

/** What became of an init or a run. */
export interface Ended<O> {
  readonly outcome: O;
  readonly durationMs: number;
  readonly logs: RunLogs;
}

/** `ok` is an init that succeeded. */
type Loaded = Outcome | { readonly kind: 'ok' };

interface Flight {
  readonly phase: Phase;
  readonly log: RunLog;
  readonly resultBytes: number;
  /** The answer, while the rest of the output is awaited: it stands, whatever happens to the sandbox now, and a second one is nobody's. */
  answer: Loaded | undefined;
  settle(outcome: Loaded): void;
}

const MiB = 1024 * 1024;
/** The largest frame a sandbox may send: a result of the largest size and some more. */
const frameMax = 8 * MiB;
/** Bytes that nobody asked for, such as logs over the limit, before a sandbox counts as broken. */
const surplusMax = 8 * MiB;
/** What an unasked frame counts for besides its payload. */
const frameCost = 64;
/** An init answers with little; its error text may quote a stack. */
const initResultBytes = MiB;
const initLogBytes = 10 * MiB;
const drainMs = 500;
const reportMs = 300;
const killMs = 10_000;

/**
 * One sandbox, as the invoker sees it. Everything that comes out of it is hostile: frames are bounded, those about unknown activations are ignored,
 * broken ones end it, limits and deadlines are kept here. What its processes write past the runtime (their own descriptors 1 and 2) goes to the
 * activation that runs there, with several to the oldest.
 *
 * A run that is over its time ends alone: others there go on, no new ones are taken, and the sandbox is killed when it is empty. If the code never
 * yields, the others meet their own deadlines.
 */
export class NativeSandbox implements Sandbox {
  private readonly flights = new Map<string, Flight>();
  private readonly connection: Connection;
  private readonly disconnected: Promise<void>;
  private surplus = 0;
  private condemned = false;
  private frozen = false;
  private ended: ExitCause | 'lost' | undefined;
  private resolveExited: (cause: ExitCause) => void = () => undefined;
  readonly exited: Promise<ExitCause>;

  constructor(
    readonly id: string,
    readonly spec: StemSpec,
    socket: Socket,
    private readonly lifeline: SandboxLifeline,
    private readonly events: { ready(): void; named(fqn: string): void },
  ) {
    this.exited = new Promise((resolve) => (this.resolveExited = resolve));
    let closed: () => void = () => undefined;
    this.disconnected = new Promise((resolve) => (closed = resolve));
    this.connection = new Connection(
      socket,
      {
        frame: (frame) => this.take(frame),
        closed: () => {
          closed();
          // A runtime that hangs up or talks nonsense is of no more use; one that just ended is about to be reported, with the cause.
          setTimeout(() => this.ended ?? this.lifeline.kill(), reportMs);
        },
      },
      frameMax,
    );
  }

  async init(order: InitOrder): Promise<Ended<Loaded>> {
    const head = {
      name: order.name,
      main: order.main,
      binary: order.binary,
      concurrency: order.concurrency,
      logBytes: initLogBytes,
      resultBytes: initResultBytes,
    };
    this.events.named(order.env['__OW_ACTION_NAME'] ?? `/_/${order.name}`);
    const ended = this.fly('init', order.activationId, {
      timeoutMs: order.timeoutMs,
      logBytes: initLogBytes,
      resultBytes: initResultBytes,
    });
    this.connection.send(frameTypes.INIT, order.activationId, head, withEnvironment(order.env, order.code));
    return ended;
  }

  async run(order: SandboxRun): Promise<Ended<Outcome>> {
    const head = { logBytes: order.logBytes, resultBytes: order.resultBytes };
    if (this.frozen) void this.thaw();
    const ended = this.fly('run', order.activationId, order);
    this.connection.send(frameTypes.RUN, order.activationId, head, withEnvironment(order.env, order.args));
    return ended as Promise<Ended<Outcome>>;
  }

  async freeze(): Promise<void> {
    if (this.ended !== undefined || this.flights.size > 0) return;
    this.frozen = true;
    await this.lifeline.freeze();
  }

  async thaw(): Promise<void> {
    if (!this.frozen) return;
    this.frozen = false;
    if (this.ended === undefined) await this.lifeline.thaw();
  }

  async kill(): Promise<void> {
    this.condemned = true;
    if (this.ended === undefined) {
      this.ended = 'lost';
      this.lifeline.kill();
    }
    await Promise.race([this.exited, new Promise((resolve) => setTimeout(resolve, killMs).unref())]);
  }

  /** Takes what the process tree wrote to its own descriptors. */
  output(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    const oldest = this.flights.values().next();
    if (!oldest.done) oldest.value.log.add(stream, { ms: Date.now(), ns: 0 }, bytes);
  }

  /** The process tree is gone. `lost` where nobody can tell why: the spawner is gone. What it sent before is read first. */
  async gone(cause: ExitCause | 'lost'): Promise<void> {
    this.ended ??= cause;
    if (cause !== 'lost') await Promise.race([this.disconnected, new Promise((resolve) => setTimeout(resolve, drainMs))]);
    this.connection.close();
    for (const flight of this.flights.values()) flight.settle(flight.answer ?? this.lossOf(flight.phase, cause));
    this.resolveExited(cause === 'lost' ? 'killed' : cause);
  }

  /** Notes a flight and its deadline. Throws, without side effect, where nothing may be run any more: it is safe to run elsewhere. */
  private fly(
    phase: Phase,
    id: ActivationId,
    limits: { readonly timeoutMs: number; readonly logBytes: number; readonly resultBytes: number },
  ): Promise<Ended<Loaded>> {
    if (this.condemned || this.ended !== undefined || !this.connection.open || this.flights.has(id)) {
      throw new Failure('unavailable', { sandbox: this.id }, { fault: 'sandbox' });
    }
    return new Promise((resolve) => {
      const sentAtMs = performance.now();
      const log = new RunLog(limits.logBytes);
      const settle = (outcome: Loaded): void => {
        clearTimeout(timer);
        this.flights.delete(id);
        const measured = Math.round(performance.now() - sentAtMs);
        const durationMs = outcome.kind === 'timed-out' ? Math.max(measured, limits.timeoutMs) : measured;
        resolve({ outcome, durationMs, logs: log.close() });
        if (this.condemned && this.flights.size === 0 && this.ended === undefined) void this.kill();
      };
      const timer = setTimeout(() => {
        const answer = this.flights.get(id)?.answer;
        if (answer) return settle(answer);
        this.condemned = true;
        this.connection.send(frameTypes.CANCEL, id);
        settle({ kind: 'timed-out', phase, timeoutMs: limits.timeoutMs });
      }, limits.timeoutMs);
      this.flights.set(id, { phase, log, resultBytes: limits.resultBytes, answer: undefined, settle });
    });
  }

  private lossOf(phase: Phase, cause: ExitCause | 'lost'): Outcome {
    if (cause === 'out-of-memory') return { kind: 'out-of-memory', phase };
    if (this.ended !== 'lost') return { kind: 'exited', phase };
    return { kind: 'internal', text: 'The sandbox was lost while the action was running. The action may have run; it was not run again.' };
  }

  private take({ type, id, head, payload }: Frame): void {
    const flight = this.flights.get(id);
    if (type === frameTypes.RESULT && flight && flight.answer === undefined && head['phase'] === flight.phase)
      return this.land(flight, head, payload);
    let surplus = payload.length + frameCost;
    if (type === frameTypes.HELLO) this.events.ready();
    else if (type === frameTypes.LOG && flight)
      surplus = flight.log.add(head['stream'] === 'stderr' ? 'stderr' : 'stdout', printedAt(head), payload);
    this.surplus += surplus;
    if (this.surplus > surplusMax) this.connection.close();
  }

  private land(flight: Flight, head: Frame['head'], payload: Buffer): void {
    const outcome = answerOf(flight, head, payload);
    flight.answer = outcome;
    if (head['children'] === true) void this.lifeline.drain().then(() => flight.settle(outcome));
    else flight.settle(outcome);
  }
}

function answerOf(flight: Flight, head: Frame['head'], payload: Buffer): Loaded {
  const { phase, resultBytes } = flight;
  const ok = head['ok'] === true;
  if (phase === 'init' && ok) return { kind: 'ok' };
  const said = head['bytes'];
  const bytes = Number.isSafeInteger(said) && (said as number) > payload.length ? (said as number) : payload.length;
  const whole = bytes === payload.length && bytes <= resultBytes;
  const body = whole ? payload : wholeCharacters(payload.subarray(0, resultBytes));
  // A length within the limit with less behind it would pass a cut text off as a result.
  return { kind: 'answered', phase, ok, body: body.toString('utf8'), bytes: whole ? bytes : Math.max(bytes, resultBytes + 1) };
}

/** The sandbox's own clock is this machine's; what lies in the future or before this minute is not believed. */
function printedAt(head: Frame['head']): PrintedAt {
  const now = Date.now();
  const { ms, ns } = head;
  const believed = Number.isSafeInteger(ms) && (ms as number) <= now + 1 && (ms as number) > now - 60_000;
  const fraction = Number.isSafeInteger(ns) && (ns as number) >= 0 && (ns as number) < 1_000_000;
  return believed && fraction ? { ms: ms as number, ns: ns as number } : { ms: now, ns: 0 };
}

/** `u32 length · environment (JSON) · rest`. */
function withEnvironment(env: Readonly<Record<string, string>>, rest: Uint8Array): Buffer {
  const bytes = Buffer.from(JSON.stringify(env));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes, rest]);
}
