import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  activationId,
  Failure,
  spaces,
  type ActivationQueue,
  type EventBus,
  type NamespaceId,
  type QueueMessage,
  type RegionCode,
  type RegionEvent,
} from '#libs/domain';
import { messageBytesMax, openEventBus, openQueue, type MessagingOptions } from '#libs/messaging';
import { Logger } from '#libs/telemetry';

/** What stands behind an adapter under test. */
export interface Backend {
  /** Options without what the contract itself chooses. */
  readonly options: Omit<MessagingOptions, 'prefix' | 'logger' | 'name'>;
  /** Ends it by kill -9 and brings it back after `downMs`; undefined where it is not ours to kill. */
  readonly crash: ((downMs?: number) => Promise<void>) | undefined;
  /** How long it stays away, ms. */
  readonly downMs?: number;
}

type Handle = (batch: readonly QueueMessage[]) => Promise<void>;

const quiet = new Logger({}, 'error', () => undefined);
const delayMs = 300;

/** A message with a new id. */
export function aMessage(over: Partial<QueueMessage> = {}): QueueMessage {
  const id = activationId(1 as RegionCode, Date.now(), randomBytes(9).toString('hex'));
  return { id, ns: randomUUID() as NamespaceId, body: randomBytes(64), ...over };
}

/** Resolves when `holds` does; rejects after a generous time, saying what was awaited. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, withinMs = 90_000): Promise<void> {
  for (const until = Date.now() + withinMs; !(await holds());) {
    if (Date.now() > until) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** One queue with what it handed over so far. */
class Subject {
  readonly seen: { id: string; body: Buffer; atMs: number; batch: number }[] = [];
  private readonly stop = new AbortController();
  private consuming: Promise<void> | undefined;
  private closed: Promise<void> | undefined;

  constructor(readonly queue: ActivationQueue) {}

  consume(handle: Handle = () => Promise.resolve()): void {
    this.consuming = this.queue.consume(async (batch) => {
      await handle(batch);
      for (const { id, body } of batch) this.seen.push({ id, body: Buffer.from(body), atMs: Date.now(), batch: batch.length });
    }, this.stop.signal);
  }

  times(id: string): number {
    return this.seen.filter((message) => message.id === id).length;
  }

  has(messages: readonly QueueMessage[]): boolean {
    const ids = new Set(this.seen.map(({ id }) => id));
    return messages.every(({ id }) => ids.has(id));
  }

  /** May be called again. */
  close(): Promise<void> {
    this.closed ??= (async () => {
      this.stop.abort();
      await this.consuming;
      await this.queue.close();
    })();
    return this.closed;
  }
}

/** What every queue of record and every event bus must do, whatever carries it. */
export function queueContract(name: string, backend: () => Backend): void {
  const optionsOf = (prefix: string): MessagingOptions => ({ ...backend().options, prefix, name: 'contract', logger: quiet, delayMs });

  /** Runs a test with a prefix of its own; every subject it opens is closed. */
  const withQueue = async (run: (open: () => Subject) => Promise<void>): Promise<void> => {
    const prefix = `t${randomBytes(6).toString('hex')}.`;
    const subjects: Subject[] = [];
    try {
      await run(() => {
        const subject = new Subject(openQueue(optionsOf(prefix)));
        subjects.push(subject);
        return subject;
      });
    } finally {
      await Promise.all(subjects.map((subject) => subject.close()));
    }
  };

  describe(name, () => {
    test('every appended message is handed over, unchanged', () =>
      withQueue(async (open) => {
        const subject = open();
        subject.consume();
        const messages = Array.from({ length: 500 }, () => aMessage());
        await Promise.all(messages.map((message) => subject.queue.append(message)));
        await eventually('all 500 messages arrive', () => subject.has(messages));
        for (const { id, body } of messages) {
          assert.deepEqual(subject.seen.find((seen) => seen.id === id)?.body, Buffer.from(body));
        }
        assert.ok(
          subject.seen.some(({ batch }) => batch > 1),
          'messages come in batches',
        );
      }));

    test('what is acknowledged does not come again, what is not does', () =>
      withQueue(async (open) => {
        const first = open();
        const [kept, taken] = [aMessage(), aMessage()];
        await first.queue.append(taken);
        first.consume();
        await eventually('the first message arrives', () => first.has([taken]));
        await first.close();
        const second = open();
        await second.queue.append(kept);
        second.consume();
        await eventually('the second message arrives', () => second.has([kept]));
        assert.equal(second.times(taken.id), 0);
      }));

    test('a batch whose handling fails comes again', () =>
      withQueue(async (open) => {
        const subject = open();
        let failures = 0;
        subject.consume(() => (failures++ < 6 ? Promise.reject(new Error('the database is away')) : Promise.resolve()));
        const messages = Array.from({ length: 10 }, () => aMessage());
        await Promise.all(messages.map((message) => subject.queue.append(message)));
        await eventually('all arrive although the handler failed at first', () => subject.has(messages));
        assert.ok(failures > 6);
      }));

    test('a message that can never be handled holds up no other and is not lost', () =>
      withQueue(async (open) => {
        const subject = open();
        const ns = randomUUID() as NamespaceId;
        const poison = aMessage({ ns });
        let tasted = 0;
        subject.consume((batch) => {
          if (!batch.some(({ id }) => id === poison.id)) return Promise.resolve();
          tasted += 1;
          return Promise.reject(new Error('poison'));
        });
        await subject.queue.append(poison);
        const messages = Array.from({ length: 40 }, () => aMessage({ ns }));
        await Promise.all(messages.map((message) => subject.queue.append(message)));
        await eventually('all others arrive', () => subject.has(messages));
        const before = tasted;
        await eventually('the poison is tried again', () => tasted > before);
      }));

    test('a message waits until it has the age of the delay', () =>
      withQueue(async (open) => {
        const subject = open();
        subject.consume();
        const appended = new Map<string, number>();
        for (let i = 0; i < 5; i += 1) {
          const message = aMessage();
          appended.set(message.id, Date.now());
          await subject.queue.append(message);
        }
        await eventually('all arrive', () => subject.seen.length >= 5);
        for (const { id, atMs } of subject.seen) assert.ok(atMs - (appended.get(id) ?? Infinity) >= delayMs, 'none came early');
      }));

    test('twenty messages of 900 KB of one namespace at once are all taken and handed over', () =>
      withQueue(async (open) => {
        const subject = open();
        subject.consume();
        const ns = randomUUID() as NamespaceId;
        const messages = Array.from({ length: 20 }, () => aMessage({ ns, body: randomBytes(900 * 1024) }));
        await Promise.all(messages.map((message) => subject.queue.append(message)));
        await eventually('all twenty arrive', () => subject.has(messages));
      }));

    test('the largest message passes, a larger one is refused before it has an id to show', () =>
      withQueue(async (open) => {
        const subject = open();
        subject.consume();
        const largest = aMessage({ body: randomBytes(messageBytesMax) });
        await subject.queue.append(largest);
        await assert.rejects(
          subject.queue.append(aMessage({ body: randomBytes(messageBytesMax + 1) })),
          (error) => error instanceof Failure && error.code === 'too-large',
        );
        const small = aMessage({ ns: largest.ns });
        await subject.queue.append(small);
        await eventually('the largest and one behind it arrive', () => subject.has([largest, small]));
      }));

    test('two consumers share the work and miss nothing', () =>
      withQueue(async (open) => {
        const [one, two] = [open(), open()];
        one.consume();
        two.consume();
        const messages = Array.from({ length: 200 }, () => aMessage());
        await Promise.all(messages.map((message) => one.queue.append(message)));
        await eventually('all arrive at one of them', () => {
          const ids = new Set([...one.seen, ...two.seen].map(({ id }) => id));
          return messages.every(({ id }) => ids.has(id));
        });
      }));

    test('no acknowledged append is lost when the store is killed, and everything resumes by itself', (t) =>
      withQueue(async (open) => {
        const { crash, downMs = 6000 } = backend();
        if (!crash) return t.skip('these brokers are not ours to kill');
        const subject = open();
        subject.consume();
        const accepted: QueueMessage[] = [];
        const refused: unknown[] = [];
        const flowing = new AbortController();
        const flow = (async () => {
          while (!flowing.signal.aborted) {
            const message = aMessage();
            const sent = subject.queue.append(message).then(
              () => accepted.push(message),
              (error: unknown) => refused.push(error),
            );
            await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 25))]);
          }
        })();
        await eventually('messages flow', () => accepted.length > 20);
        await crash(downMs);
        const atCrash = accepted.length;
        await eventually('appends work again', () => accepted.length > atCrash + 20);
        flowing.abort();
        await flow;
        await eventually('every acknowledged message arrives', () => subject.has(accepted));
        assert.ok(refused.length > 0, 'while it was down, appends were refused');
        for (const error of refused) {
          assert.ok(error instanceof Failure && error.code === 'unavailable' && error.fault === 'queue', String(error));
          assert.equal(error.retryAfterS, 1);
        }
        assert.equal(await subject.queue.healthy(), true);
      }));

    test('region events reach every subscriber, also after the store was killed', async () => {
      const prefix = `t${randomBytes(6).toString('hex')}.`;
      const event = (path: string): RegionEvent => ({
        topic: 'entity.changed',
        key: { space: spaces.definition, ns: randomUUID() as NamespaceId, path },
      });
      const buses: EventBus[] = [1, 2, 3].map(() => openEventBus(optionsOf(prefix)));
      try {
        const got = buses.map(() => [] as RegionEvent[]);
        await Promise.all(buses.map((bus, i) => bus.subscribe((e) => void got[i]?.push(e))));
        const first = event('päckage/"action"');
        await buses[0]?.publish(first);
        await eventually('all three hear of it', () => got.every((events) => events.length > 0));
        for (const events of got) assert.deepEqual(events[0], first);
        const { crash } = backend();
        if (!crash) return;
        await crash();
        await eventually('all three hear again', async () => {
          await buses[1]?.publish(event('again'));
          return got.every((events) => events.some(({ key }) => key.path === 'again'));
        });
      } finally {
        await Promise.all(buses.map((bus) => bus.close()));
      }
    });
  });
}
