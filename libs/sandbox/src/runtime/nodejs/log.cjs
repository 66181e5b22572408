'use strict';
const { Buffer } = require('node:buffer');

/** Frames that may go out at once in a burst; one more is earned every millisecond. */
const burst = 200;
/** A flood is collected up to this many bytes or milliseconds. */
const collectBytes = 32 * 1024;
const collectMs = 10;
/** Epoch time of the monotonic clock's zero, in ns. */
const epoch = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Epoch ms and the ns within it. */
function now() {
  const ns = process.hrtime.bigint() + epoch;
  return { ms: Number(ns / 1_000_000n), ns: Number(ns % 1_000_000n) };
}

/**
 * What one activation prints. Every write is sent at once, so that it survives whatever the code does next; only a flood of them
 * (more than 200, faster than one a millisecond) is collected for some milliseconds.
 */
class RunLog {
  constructor(limitBytes, send) {
    this.left = limitBytes;
    this.send = send;
    this.open = limitBytes > 0;
    this.credit = burst;
    this.earned = 0;
    this.pending = [];
    this.pendingBytes = 0;
    this.stream = 'stdout';
    this.timer = undefined;
  }

  add(stream, bytes) {
    if (!this.open || bytes.length === 0) return;
    if (stream !== this.stream) this.flush();
    this.stream = stream;
    // One byte over the limit tells the other side that there was more.
    const kept = bytes.length > this.left + 1 ? bytes.subarray(0, this.left + 1) : bytes;
    this.left -= kept.length;
    this.at ??= now();
    this.pending.push(kept);
    this.pendingBytes += kept.length;
    const ms = Date.now();
    this.credit = Math.min(burst, this.credit + Math.max(0, ms - this.earned));
    this.earned = ms;
    if (this.left < 0) {
      this.flush();
      this.open = false;
    } else if (this.credit >= 1 || this.pendingBytes >= collectBytes) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), collectMs).unref();
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.pendingBytes === 0) return;
    this.credit = Math.max(0, this.credit - 1);
    const bytes = this.pending.length === 1 ? this.pending[0] : Buffer.concat(this.pending);
    const at = this.at;
    this.pending = [];
    this.pendingBytes = 0;
    this.at = undefined;
    for (let start = 0; start < bytes.length; start += 1 << 20) this.send(this.stream, at, bytes.subarray(start, start + (1 << 20)));
  }

  /** Takes nothing more. */
  close() {
    this.open = false;
    clearTimeout(this.timer);
  }
}

module.exports = { RunLog };
