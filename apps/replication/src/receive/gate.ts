import { Failure } from '#libs/domain';

/** Lets so many through at once for each name, and refuses the rest at once: nothing queues here, the caller comes again. */
export class Gate {
  private readonly inside = new Map<string, number>();

  constructor(private readonly max: number) {}

  /** Runs `work`; throws `unavailable` when as many as may be are at work under this name. */
  async pass<T>(name: string, work: () => Promise<T>): Promise<T> {
    const inside = this.inside.get(name) ?? 0;
    if (inside >= this.max) throw new Failure('unavailable', {}, { retryAfterS: 1 });
    this.inside.set(name, inside + 1);
    try {
      return await work();
    } finally {
      this.inside.set(name, (this.inside.get(name) ?? 1) - 1);
    }
  }
}
