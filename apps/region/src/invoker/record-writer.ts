import { Injectable } from '@nestjs/common';
import { ActivationStore, errorResult, type ActivationRecord } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { Claims } from './claims.js';
import { deadline, pause } from './deadline.js';
import { Journal, type Finished } from './journal.js';
import { InvokerOptions } from './options.js';

const storeMs = 10_000;
const batchMax = 64;
/** A record that fails this often while others are stored is at fault itself. */
const failuresMax = 5;

interface Pending extends Finished {
  readonly bytes: number;
  readonly stored: () => void;
  readonly failures: number;
  /** How many records had been stored when this one first failed. */
  readonly failedAt: number;
}

/** Brings finished records to the store: journaled first, then written, and again through outages until the store has them. */
@Injectable()
export class RecordWriter {
  private readonly retries: Pending[] = [];
  private retrying = false;
  private count = 0;
  private bytes = 0;
  private storedCount = 0;
  private stopped = false;

  constructor(
    private readonly store: ActivationStore,
    private readonly journal: Journal,
    private readonly claims: Claims,
    private readonly options: InvokerOptions,
    private readonly logger: Logger,
  ) {}

  /** Opens the journal and sets about storing what an earlier process finished. */
  async begin(): Promise<void> {
    const left = await this.journal.open();
    if (left.length > 0) this.logger.log('records of an earlier process are stored now', { count: left.length });
    for (const { record, attempt } of left) {
      this.claims.hold(record.activationId);
      void this.keep(record, attempt);
    }
  }

  /** Whether so many records wait for the store that no new activation should be taken. */
  get full(): boolean {
    return this.count >= this.options.recordsMax || this.bytes >= this.options.recordsBytesMax;
  }

  /** Resolves when the record is safe: in the journal, or in the store where the journal fails. Storing goes on behind it. */
  async finish(record: ActivationRecord, attempt: number): Promise<void> {
    const journaled = this.journal.append({ record, attempt });
    const stored = this.keep(record, attempt);
    await journaled.catch((cause: unknown) => {
      this.logger.error('the journal cannot be written; answers wait for the store', {}, cause);
      return stored;
    });
  }

  /** Waits until all records are stored, at most `ms`, and closes the journal, which keeps the rest for the next process. */
  async end(ms: number): Promise<void> {
    const deadlineMs = Date.now() + ms;
    while (this.count > 0 && Date.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));
    this.stopped = true;
    if (this.count > 0) this.logger.warn('the journal keeps records that are not stored', { count: this.count });
    await this.journal.close();
  }

  private keep(record: ActivationRecord, attempt: number): Promise<void> {
    return new Promise((stored) => {
      const bytes = sizeOf(record);
      this.count += 1;
      this.bytes += bytes;
      const pending = { record, attempt, bytes, stored, failures: 0, failedAt: 0 };
      // While earlier records wait for the store this one waits behind them; the store is not asked by all at once.
      if (this.retries.length > 0) this.again(pending);
      else void this.write(pending);
    });
  }

  /** True when the store has answered. */
  private async write(pending: Pending): Promise<boolean> {
    const { record, attempt } = pending;
    try {
      const written = await deadline(this.store.finish(record, attempt), storeMs, 'to store a record');
      if (!written) this.logger.warn('a record came too late: the activation had ended otherwise', { activationId: record.activationId });
      this.storedCount += 1;
      this.settle(pending);
      return true;
    } catch (cause) {
      this.logger.warn('a record could not be stored yet', { activationId: record.activationId }, cause);
      this.again({ ...pending, failures: pending.failures + 1, failedAt: pending.failures === 0 ? this.storedCount : pending.failedAt });
      return false;
    }
  }

  private settle({ record, bytes, stored }: Pending): void {
    this.journal.confirm(record.activationId);
    this.claims.forget(record.activationId);
    this.count -= 1;
    this.bytes -= bytes;
    stored();
  }

  private again(pending: Pending): void {
    const itself = pending.failures >= failuresMax && this.storedCount > pending.failedAt;
    if (itself)
      this.logger.error('a record cannot be stored and is replaced by one that says so', { activationId: pending.record.activationId });
    this.retries.push(itself ? { ...pending, record: unstorable(pending.record), failures: 0 } : pending);
    if (!this.retrying) void this.retryAll();
  }

  /** One record at a time until the store takes one, then many. */
  private async retryAll(): Promise<void> {
    this.retrying = true;
    const { first, max } = this.options.storePausesMs;
    let pauseMs = first;
    let size = 1;
    while (this.retries.length > 0 && !this.stopped) {
      await pause(pauseMs);
      const answers = await Promise.all(this.retries.splice(0, size).map((pending) => this.write(pending)));
      const reached = answers.includes(true);
      size = reached ? batchMax : 1;
      pauseMs = reached ? 0 : Math.min(max, Math.max(first, pauseMs * 2));
    }
    this.retrying = false;
  }
}

function unstorable(record: ActivationRecord): ActivationRecord {
  return { ...record, response: { statusCode: 3, result: errorResult('The record of this activation could not be stored.') }, logs: [] };
}

function sizeOf({ response, logs }: ActivationRecord): number {
  return 1000 + (response.result?.length ?? 0) + logs.reduce((sum, line) => sum + line.length, 0);
}
