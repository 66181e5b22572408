import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { AdminRows, idOfName, NamespaceLimits, Subjects } from '#libs/auth';
import { spaces, type NamespaceId } from '#libs/domain';
import { pause } from '#libs/messaging';
import { PgErasures } from '#libs/storage';
import { Logger } from '#libs/telemetry';

/** Between two looks for orders that no event told of, ms. */
const everyMs = 5000;

/**
 * Erases subjects. The order is a row that replicates, so a region that is down erases when it is back; every region sweeps by itself, and its
 * controllers may do so beside each other.
 */
@Injectable()
export class Eraser implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stop = new AbortController();
  private nap = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly rows: AdminRows,
    private readonly subjects: Subjects,
    private readonly limits: NamespaceLimits,
    private readonly erasures: PgErasures,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.watch();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    this.wake();
    await this.running;
  }

  /** Looks for orders now. */
  wake(): void {
    this.nap.abort();
  }

  /**
   * Erases a subject: every namespace that it alone has a key for, with the limits of that name, and its keys for the others. Returns the namespaces.
   * The orders come first: asked again after a crash, it goes on where it was.
   */
  async eraseSubject(subject: string): Promise<{ namespace: string; ns: NamespaceId }[]> {
    const namespaces = await this.subjects.soleNamespaces(subject);
    for (const { namespace, ns } of namespaces) {
      await this.limits.delete(namespace);
      await this.eraseNamespace(ns, [idOfName('namespace', namespace), idOfName('subject', subject)]);
    }
    await this.subjects.forgetSubject(subject);
    return namespaces;
  }

  /** Orders that a namespace be erased in every region, and does so in this one. What stands about `names` goes where it is left over. */
  async eraseNamespace(ns: NamespaceId, names: readonly NamespaceId[] = []): Promise<void> {
    await this.rows.put({ space: spaces.erasure, ns, path: 'order' }, { orderedAtMs: Date.now(), names });
    await this.sweep(ns);
  }

  private async watch(): Promise<void> {
    while (!this.stop.signal.aborted) {
      this.nap = new AbortController();
      try {
        for (const ns of await this.erasures.due()) if (!this.stop.signal.aborted) await this.sweep(ns);
      } catch (cause) {
        this.logger.warn('an erasure could not be seen to yet', {}, cause);
      }
      await pause(everyMs, AbortSignal.any([this.stop.signal, this.nap.signal]));
    }
  }

  private async sweep(ns: NamespaceId): Promise<void> {
    const counts = await this.erasures.sweep(ns);
    if (Object.values(counts).some((count) => count > 0)) this.logger.log('a namespace was erased', { ns, ...counts });
  }
}
