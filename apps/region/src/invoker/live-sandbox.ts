import type { InitOrder, Outcome, RunLogs, Sandbox } from '#libs/domain';
import { deadline } from './deadline.js';

const killMs = 10_000;
/** Grace beyond an action's own limit, after which a sandbox that does not answer is given up. */
const answerGraceMs = 5000;

/** What a call finds that wants to run in a sandbox; `init` is there for the one call that caused it. */
export type Entry =
  | { readonly ok: true; readonly sandbox: Sandbox; readonly init?: InitFacts }
  | { readonly ok: false; readonly outcome: Outcome; readonly init?: InitFacts };

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
    if (!entry.ok) return { ok: false, outcome: entry.outcome };
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
    } catch {
      return { ok: false, outcome: { kind: 'not-provisioned' } };
    }
  }
}

/** The outcome of a run that may never come: `cut` is called with a function that ends the wait with an outcome of its own. */
export function boundedRun(
  run: Promise<{ readonly outcome: Outcome; readonly durationMs: number; readonly logs: RunLogs }>,
  timeoutMs: number,
  onCut: (cut: (outcome: Outcome) => void) => void,
): Promise<{ readonly outcome: Outcome; readonly durationMs: number; readonly logs: RunLogs }> {
  const startMs = Date.now();
  return new Promise((resolve) => {
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve({ outcome, durationMs: Date.now() - startMs, logs: { lines: [], truncated: false } });
    };
    const timer = setTimeout(() => end({ kind: 'timed-out', phase: 'run', timeoutMs }), timeoutMs + answerGraceMs);
    onCut(end);
    // A driver that throws has lost the sandbox, and with it the knowledge of what became of the run.
    run.then(resolve, () => end({ kind: 'lost' })).finally(() => clearTimeout(timer));
  });
}
