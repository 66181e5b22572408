'use strict';
/**
 * The process inside a sandbox: dials the invoker's socket (argv[2]), says HELLO, waits for INIT and RUN frames and answers with LOG and RESULT.
 * Plain JavaScript without dependencies, because every module it loads is paid for by every cold start.
 *
 * Frames are those of libs/wire. INIT and RUN carry `u32 length · environment (JSON) · code or arguments`. All frames are written synchronously:
 * what was printed or answered before a crash, a busy loop or process.exit has reached the kernel by then.
 *
 * User code shares this process and can do to it what it likes; the invoker believes nothing that comes out of here.
 *
 * The `__OW_*` of a run are set on process.env when it starts. With several runs at once the last one to start wins: an action that needs its own
 * values must read them before its first await.
 */
const { AsyncLocalStorage } = require('node:async_hooks');
const { Buffer } = require('node:buffer');
const fs = require('node:fs');
const net = require('node:net');
const { load } = require('./load.cjs');
const { answerOf, bodyOf, failure } = require('./answer.cjs');
const { RunLog } = require('./log.cjs');

const types = { HELLO: 1, INIT: 2, RUN: 3, LOG: 5, RESULT: 6, CANCEL: 8, PING: 9 };
const noId = '0'.repeat(32);
const prologue = 24;
const nothing = Buffer.alloc(0);
const { reallyExit } = process;
const { writeSync } = fs;
const pause = new Int32Array(new SharedArrayBuffer(4));
const current = new AsyncLocalStorage();

// As they were before any user code ran: it may patch what it likes, frames are still written and read as they must be.
const { parse, stringify } = JSON;
const { allocUnsafe, concat, from } = Buffer;
const method = (name) => Function.prototype.call.bind(Buffer.prototype[name]);
const [readU16, readU32, writeU16, writeU32] = ['readUInt16BE', 'readUInt32BE', 'writeUInt16BE', 'writeUInt32BE'].map(method);
const [copy, cut, text, write] = ['copy', 'subarray', 'toString', 'write'].map(method);

function encode(type, id, head, payload) {
  const headBytes = from(stringify(head));
  const bytes = allocUnsafe(prologue + headBytes.length + payload.length);
  writeU32(bytes, bytes.length - 4, 0);
  bytes[4] = 1;
  bytes[5] = type;
  writeU16(bytes, headBytes.length, 6);
  write(bytes, id, 8, 16, 'hex');
  copy(headBytes, bytes, prologue);
  copy(payload, bytes, prologue + headBytes.length);
  return bytes;
}

/** Calls `take(type, id, head, payload)` for every frame that the chunks complete. */
function reader(take) {
  let chunks = [];
  let held = 0;
  return (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    while (held >= 4) {
      if (chunks[0].length < 4) chunks = [concat(chunks)];
      const length = readU32(chunks[0], 0) + 4;
      if (held < length) return;
      const bytes = chunks.length === 1 ? chunks[0] : concat(chunks);
      chunks = bytes.length > length ? [cut(bytes, length)] : [];
      held -= length;
      const headEnd = prologue + readU16(bytes, 6);
      const head = headEnd === prologue ? {} : parse(text(bytes, 'utf8', prologue, headEnd));
      take(bytes[5], text(bytes, 'hex', 8, 24), head, cut(bytes, headEnd, length));
    }
  };
}

/** Splits `u32 length · environment · rest` and puts the environment into effect. */
function applyEnv(payload) {
  const end = 4 + readU32(payload, 0);
  const env = parse(text(payload, 'utf8', 4, end));
  for (const key of Object.keys(env)) process.env[key] = env[key];
  return cut(payload, end);
}

let children = false;
let modules = 0;

/** Whether there can have been child processes, whose prints take another way: the code has loaded the module for them. */
function hadChildren() {
  const loaded = process.moduleLoadList ?? ['NativeModule child_process'];
  if (!children && loaded.length !== modules) children = loaded.includes('NativeModule child_process');
  modules = loaded.length;
  return children;
}

/** One life of the runtime: an init, then runs. */
class Runtime {
  constructor(write) {
    this.write = write;
    this.running = new Map();
    this.handler = undefined;
    this.begun = false;
  }

  take(type, id, head, payload) {
    if (type === types.INIT) void this.init(id, head, payload);
    else if (type === types.RUN) void this.run(id, head, payload);
    else if (type === types.CANCEL) this.running.get(id)?.close();
    else if (type === types.PING) this.write(encode(types.PING, noId, { pong: true }, nothing));
  }

  async init(id, head, payload) {
    const log = this.open(id, head);
    await current.run(log, async () => {
      try {
        if (this.begun) return this.end(log, 'init', failure('Cannot initialize the action more than once.'), head);
        const code = applyEnv(payload);
        if (!head.main || code.length === 0) return this.end(log, 'init', failure('Missing main/no code to execute.'), head);
        this.begun = true;
        this.handler = await load(head.main, head.binary === true, code);
        this.end(log, 'init', { ok: true, body: '{"ok":true}' }, head);
      } catch (error) {
        const reason = error !== null && typeof error === 'object' && error.stack ? error.stack : error;
        this.end(log, 'init', failure(`Initialization has failed due to: ${String(reason)}`), head);
      }
    });
  }

  async run(id, head, payload) {
    const log = this.open(id, head);
    await current.run(log, async () => {
      if (!this.handler) return this.end(log, 'run', failure('System not initialized.'), head);
      const args = text(applyEnv(payload), 'utf8');
      this.end(log, 'run', await answerOf(this.handler, () => JSON.parse(args)), head);
    });
  }

  open(id, head) {
    const log = new RunLog(head.logBytes, (stream, at, bytes) => this.write(encode(types.LOG, id, { stream, ...at }, bytes)));
    log.id = id;
    this.running.set(id, log);
    return log;
  }

  end(log, phase, answer, head) {
    log.flush();
    log.close();
    this.running.delete(log.id);
    const { bytes, kept } = bodyOf(answer.body, head.resultBytes);
    this.write(encode(types.RESULT, log.id, { phase, ok: answer.ok, bytes, children: hadChildren() }, kept));
  }

  flush() {
    for (const log of this.running.values()) log.flush();
  }
}

let runtime;

/**
 * Gives what is printed to the activation that printed it. What comes from outside any (a timer set while the sandbox was made, a native callback)
 * goes to the oldest that runs; with none running, and after the end of its activation, it is dropped.
 */
function capture(stream, name) {
  stream.write = (chunk, encoding, done) => {
    const log = current.getStore() ?? runtime?.running.values().next().value;
    if (log?.open)
      log.add(name, typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : Buffer.from(chunk));
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  };
}

/** Runs a small action through everything a real one will pass, so that the first real one finds it compiled. */
async function rehearse() {
  const payload = (text) => Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from(`{}${text}`)]);
  const stage = new Runtime(() => undefined);
  const take = reader((...frame) => stage.take(...frame));
  const head = { main: 'main', binary: false, logBytes: 1000, resultBytes: 1000 };
  await stage.init(noId, head, payload('async function main(a) { console.log("ready"); return a; }'));
  for (let n = 0; n < 40; n++) {
    take(encode(types.RUN, noId, head, payload('{"n":1}')));
    await new Promise(setImmediate);
  }
}

/** Writes all of `bytes` to a non-blocking descriptor. A reader that is slow slows the action down, as a pipe would. */
function writer(fd) {
  return (bytes) => {
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(fd, bytes, at, bytes.length - at);
      } catch (error) {
        if (error.code !== 'EAGAIN') reallyExit(0);
        Atomics.wait(pause, 0, 0, 1);
      }
    }
  };
}

async function main() {
  capture(process.stdout, 'stdout');
  capture(process.stderr, 'stderr');
  await rehearse();
  process.on('exit', () => runtime?.flush());
  const socket = net.connect(process.argv[2]);
  socket.on('error', () => reallyExit(0));
  socket.on('close', () => reallyExit(0));
  socket.on('connect', () => {
    const write = writer(socket._handle.fd);
    runtime = new Runtime(write);
    socket.on(
      'data',
      reader((...frame) => runtime.take(...frame)),
    );
    write(encode(types.HELLO, noId, { role: 'sandbox', node: process.version }, nothing));
  });
}

void main();
