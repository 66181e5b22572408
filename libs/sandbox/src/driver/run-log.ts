import type { RunLogs } from '#libs/domain';

/** When something was printed: epoch ms, and the ns within that ms. */
export interface PrintedAt {
  readonly ms: number;
  readonly ns: number;
}

type Stream = 'stdout' | 'stderr';

/** A line counts for at least this many bytes, so that a limit of bytes bounds the number of lines too. */
const lineBytesMin = 16;
const newline = 0x0a;

/** One log line in OpenWhisk's form, `%-30s stream: text`; the timestamp has nanoseconds and fills the 30 columns. */
export function logLine(at: PrintedAt, stream: Stream, text: string): string {
  return `${new Date(at.ms).toISOString().slice(0, -1)}${String(at.ns).padStart(6, '0')}Z ${stream}: ${text}`;
}

/**
 * Collects what one activation prints: bytes in, lines out. Characters and lines may be cut anywhere between two chunks. A line has the time at
 * which it began; the last one may lack its newline. What is over the limit is dropped, whatever the sender believes the limit to be.
 */
export class RunLog {
  private readonly lines: string[] = [];
  private readonly partial: Record<Stream, { at: PrintedAt; chunks: Buffer[]; bytes: number } | undefined> = {
    stdout: undefined,
    stderr: undefined,
  };
  private left: number;
  private cut = false;

  /** `limitBytes` 0 keeps nothing and calls nothing cut. */
  constructor(private readonly limitBytes: number) {
    this.left = limitBytes;
  }

  /** Takes a chunk. Returns how many of its bytes were over the limit. */
  add(stream: Stream, at: PrintedAt, bytes: Buffer): number {
    if (this.limitBytes === 0) return bytes.length;
    let start = 0;
    while (start < bytes.length && !this.cut) {
      const found = bytes.indexOf(newline, start);
      const end = found < 0 ? bytes.length : found + 1;
      this.extend(stream, at, bytes.subarray(start, end), found >= 0);
      start = end;
    }
    return bytes.length - start;
  }

  /** Ends the last lines and gives everything. */
  close(): RunLogs {
    for (const stream of ['stdout', 'stderr'] as const) this.finish(stream);
    return { lines: this.lines, truncated: this.cut };
  }

  private extend(stream: Stream, at: PrintedAt, bytes: Buffer, whole: boolean): void {
    if (whole && !this.partial[stream] && bytes.length <= this.left) {
      this.lines.push(logLine(at, stream, bytes.toString('utf8', 0, bytes.length - 1)));
      this.left = Math.max(0, this.left - Math.max(bytes.length, lineBytesMin));
      return;
    }
    const line = (this.partial[stream] ??= { at, chunks: [], bytes: 0 });
    const kept = bytes.length > this.left ? bytes.subarray(0, this.left) : bytes;
    // Copied: a small line must not keep the large chunk alive that it came in.
    if (kept.length > 0) line.chunks.push(Buffer.from(kept));
    line.bytes += kept.length;
    this.left -= kept.length;
    if (kept.length < bytes.length) {
      this.cut = true;
      if (line.bytes === 0) this.partial[stream] = undefined;
    } else if (whole) {
      this.left = Math.max(0, this.left - Math.max(0, lineBytesMin - line.bytes));
      this.finish(stream);
    }
  }

  private finish(stream: Stream): void {
    const line = this.partial[stream];
    if (!line) return;
    this.partial[stream] = undefined;
    const bytes = Buffer.concat(line.chunks);
    const ended = bytes.at(-1) === newline;
    this.lines.push(
      logLine(line.at, stream, ended ? bytes.toString('utf8', 0, bytes.length - 1) : wholeCharacters(bytes).toString('utf8')),
    );
  }
}

/** Bytes without the character that was cut off at their end, if any. */
export function wholeCharacters(bytes: Buffer): Buffer {
  let start = bytes.length - 1;
  while (start > 0 && start > bytes.length - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--;
  const lead = bytes[start] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return lead >= 0xc0 && start + length > bytes.length ? bytes.subarray(0, start) : bytes;
}
