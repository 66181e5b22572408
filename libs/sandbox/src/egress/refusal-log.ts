import type { Logger } from '#libs/telemetry';

const quietMs = 10_000;

/** Tells the operator what a sandbox was refused: the first at once, then one line for all of ten seconds. */
export class RefusalLog {
  private who: { readonly namespace: string; readonly action: string } | undefined;
  private loggedAtMs = -Infinity;
  private unsaid = 0;
  private last = { target: '', reason: '' };
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly sandbox: string,
  ) {}

  /** Whose sandbox it is. */
  name(namespace: string, action: string): void {
    this.who = { namespace, action };
  }

  /** Counts a refusal. */
  add(target: string, reason: string): void {
    this.unsaid += 1;
    this.last = { target: target.slice(0, 300), reason };
    const waitMs = this.loggedAtMs + quietMs - Date.now();
    if (waitMs <= 0) this.say();
    else this.timer ??= setTimeout(() => this.say(), waitMs).unref();
  }

  /** Says what is unsaid. */
  end(): void {
    if (this.unsaid > 0) this.say();
  }

  private say(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.loggedAtMs = Date.now();
    this.logger.warn('connection of an action refused', { sandbox: this.sandbox, ...this.who, ...this.last, count: this.unsaid });
    this.unsaid = 0;
  }
}
