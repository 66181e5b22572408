import { Failure, type InitOrder, type Outcome, type RunLogs, type Sandbox } from '#libs/domain';
import { deadline } from './deadline.js';

const killMs = 10_000;
/** Grace beyond an action's own limit, after which a sandbox that does not answer is given up. */
const answerGraceMs = 5000;

/** What a call finds that wants to run in a sandbox; `init` is there for the one call that caused it. */
export type Entry =
  | { readonly ok: true; readonly sandbox: Sandbox; readonly init?: InitFacts }
  | {
      readonly ok: false;
      readonly outcome: Outcome;
      readonly init?: InitFacts;
      /** The sandbox had ended by itself before anything of the action ran in it: another one may be tried. */
      readonly gone?: true;
    };

/** An init, when it began (epoch ms), how long it took (ms), and what it printed. */
export interface InitFacts {
  readonly startMs: number;
  readonly durationMs: number;
  readonly logs: RunLogs;
}

/** What is to be loaded, or why it cannot be. */
export type InitPlan = { readonly order: InitOrder } | { readonly outcome: Outcome };

/** A sandbox from the wish to have it until its end: made, initialised once, frozen while idle. */
export class LiveSandbox {
  private initialising: Promise<Entry> | undefined;
  private freezing: Promise<void> | undefined;

  constructor(private readonly made: Promise<Sandbox>) {
    // Whoever enters sees why it could not be made; where nobody does, nobody needs to know here.
    made.catch(() => undefined);
  }

  /**
   * Makes the sandbox ready for a call. The first call's `plan` initialises it; calls that come meanwhile wait for that init and share its
   * outcome: one that fails fails them all, and the next call begins anew elsewhere.
   */
  async enter(plan: () => Promise<InitPlan>): Promise<Entry> {
    if (!this.initialising) {
      this.initialising = this.initialise(plan);
      return this.initialising;
    }
    const entry = await this.initialising;
    if (!entry.ok) return { ok: false, outcome: entry.outcome, ...(entry.gone ? { gone: true } : {}) };
    await this.thaw(entry.sandbox);
    return { ok: true, sandbox: entry.sandbox };
  }

  /** Stops CPU use until the next call enters. */
  freeze(): void {
    this.freezing ??= this.made.then((sandbox) => sandbox.freeze()).catch(() => undefined);
  }

  /** Resolves when the process tree is gone, or cannot be told to be. */
  async kill(): Promise<void> {
    await deadline(
      this.made.then(
        (sandbox) => sandbox.kill(),
        () => undefined,
      ),
      killMs,
      'ending a sandbox',
    ).catch(() => undefined);
  }

  private async thaw(sandbox: Sandbox): Promise<void> {
    if (!this.freezing) return;
    const freezing = this.freezing;
    this.freezing = undefined;
    await freezing;
    await sandbox.thaw();
  }

  private async initialise(plan: () => Promise<InitPlan>): Promise<Entry> {
    const planned = plan();
    let sandbox: Sandbox;
    try {
      sandbox = await this.made;
    } catch {
      planned.catch(() => undefined);
      return { ok: false, outcome: { kind: 'not-provisioned' } };
    }
    const init = await planned;
    if ('outcome' in init) return { ok: false, outcome: init.outcome };
    const startMs = Date.now();
    try {
      const { outcome, durationMs, logs } = await deadline(sandbox.init(init.order), init.order.timeoutMs + answerGraceMs, 'an init');
      const facts = { startMs, durationMs, logs };
      return outcome.kind === 'ok' ? { ok: true, sandbox, init: facts } : { ok: false, outcome, init: facts };
    } catch (cause) {
      return { ok: false, outcome: { kind: 'not-provisioned' }, ...(cause instanceof Failure ? { gone: true } : {}) };
    }
  }
}

/** A run that is over: how, after how many ms, and what it printed. */
export interface RunFacts {
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly logs: RunLogs;
}

/**
 * A run that certainly ends. `onCut` gets a function that ends the wait with an outcome of its own. `gone` where the sandbox refused because it
 * had ended: nothing was run, and another one may be tried.
 */
export function boundedRun(
  run: Promise<RunFacts>,
  timeoutMs: number,
  onCut: (cut: (outcome: Outcome) => void) => void,
): Promise<RunFacts | 'gone'> {
  const startMs = Date.now();
  return new Promise((resolve) => {
    const settle = (facts: RunFacts | 'gone'): void => {
      clearTimeout(timer);
      resolve(facts);
    };
    const end = (outcome: Outcome): void => settle({ outcome, durationMs: Date.now() - startMs, logs: { lines: [], truncated: false } });
    const timer = setTimeout(() => end({ kind: 'timed-out', phase: 'run', timeoutMs }), timeoutMs + answerGraceMs);
    onCut(end);
    // A driver that throws anything else has lost the sandbox, and with it the knowledge of what became of the run.
    run.then(settle, (cause: unknown) => (cause instanceof Failure ? settle('gone') : end({ kind: 'lost' })));
  });
}
