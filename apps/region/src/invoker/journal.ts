/**
 * Finished records that the store has not confirmed yet, as lines of a file: `{"attempt":n,"record":{…}}` when an activation has ended,
 * `{"done":"id"}` once its record is stored. What is appended survives the death of this process (it is handed to the operating system, not
 * forced to the disk: a machine that dies loses the last moments, and its runs end as `lost`). The file is rewritten when most of it is done, and
 * after a minute: results stand in it in clear, and those that are stored elsewhere should not.
 */
import { mkdir, open, readFile, rename, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { ActivationId, ActivationRecord } from '#libs/domain';
import { InvokerOptions } from './options.js';

/** A finished activation and the attempt that finished it. */
export interface Finished {
  readonly record: ActivationRecord;
  readonly attempt: number;
}

/** The file is rewritten when this much, and twice what it held then, was appended since the last time. */
const rewriteAfterBytes = 16 * 1024 * 1024;

const rewriteAfterMs = 60_000;
/** With more than this to write again the file is left as it is for now. */
const rewriteSmallMax = 1000;

/** One invoker's journal, named after it. Lines are written in the order of the calls, many at a time when they come faster than the disk takes them. */
@Injectable()
export class Journal {
  private handle: FileHandle | undefined;
  private readonly unconfirmed = new Map<ActivationId, Finished>();
  private lines: { readonly text: string; readonly written: () => void; readonly failed: (cause: unknown) => void }[] = [];
  private writing = false;
  private appendedBytes = 0;
  private rewriteAtBytes = rewriteAfterBytes;

  private rewrittenAtMs = 0;
  private timer: NodeJS.Timeout | undefined;

  private readonly file: string;

  constructor({ journalFolder, name }: InvokerOptions) {
    this.file = join(journalFolder, `${name}.journal`);
  }

  /** Opens the file and returns what an earlier process finished and did not get confirmed, oldest first. */
  async open(): Promise<readonly Finished[]> {
    await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
    for (const finished of unconfirmedOf(await readFile(this.file, 'utf8').catch(emptyWhereMissing)))
      this.unconfirmed.set(finished.record.activationId, finished);
    await this.rewrite();
    this.timer = setInterval(() => {
      if (this.appendedBytes > 0) this.line('').catch(() => undefined);
    }, rewriteAfterMs).unref();
    return [...this.unconfirmed.values()];
  }

  /** Resolves once the record would survive this process; rejects when it cannot be written. */
  append(finished: Finished): Promise<void> {
    this.unconfirmed.set(finished.record.activationId, finished);
    return this.line(JSON.stringify(finished));
  }

  /** Notes that the store has the record. A note that is lost makes the record be offered once more, which does no harm. */
  confirm(id: ActivationId): void {
    if (this.unconfirmed.delete(id)) this.line(JSON.stringify({ done: id })).catch(() => undefined);
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.line('').catch(() => undefined);
    await this.handle?.close();
    this.handle = undefined;
  }

  private get stale(): boolean {
    return Date.now() - this.rewrittenAtMs >= rewriteAfterMs && this.unconfirmed.size <= rewriteSmallMax;
  }

  private line(text: string): Promise<void> {
    return new Promise((written, failed) => {
      this.lines.push({ text: `${text}\n`, written, failed });
      if (!this.writing) void this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    this.writing = true;
    while (this.lines.length > 0) {
      const batch = this.lines;
      this.lines = [];
      try {
        if (!this.handle) throw new Error('the journal is closed');
        // The first line break keeps these lines whole even where an earlier write was cut short.
        const bytes = Buffer.from(`\n${batch.map(({ text }) => text).join('')}`);
        await this.handle.appendFile(bytes);
        this.appendedBytes += bytes.length;
        for (const { written } of batch) written();
        if (this.appendedBytes > this.rewriteAtBytes || this.stale) await this.rewrite();
      } catch (cause) {
        for (const { failed } of batch) failed(cause);
      }
    }
    this.writing = false;
  }

  /** Replaces the file, in one step, by one that holds only what is unconfirmed. */
  private async rewrite(): Promise<void> {
    const next = await open(`${this.file}.next`, 'w', 0o600);
    const bytes = Buffer.from([...this.unconfirmed.values()].map((finished) => `${JSON.stringify(finished)}\n`).join(''));
    await next.appendFile(bytes);
    await next.sync();
    await rename(`${this.file}.next`, this.file);
    await this.handle?.close();
    this.handle = next;
    this.appendedBytes = 0;
    this.rewrittenAtMs = Date.now();
    this.rewriteAtBytes = Math.max(rewriteAfterBytes, 2 * bytes.length);
  }
}

/** The records of a journal's text without a `done` behind them. A line that a crash cut short is no record. */
export function unconfirmedOf(text: string): Finished[] {
  const found = new Map<ActivationId, Finished>();
  for (const line of text.split('\n')) {
    const entry = parsed(line);
    if (!entry) continue;
    if ('done' in entry) found.delete(entry.done);
    else found.set(entry.record.activationId, entry);
  }
  return [...found.values()];
}

function parsed(line: string): Finished | { readonly done: ActivationId } | undefined {
  try {
    return JSON.parse(line) as Finished | { readonly done: ActivationId };
  } catch {
    return undefined;
  }
}

function emptyWhereMissing(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return '';
  throw cause;
}
