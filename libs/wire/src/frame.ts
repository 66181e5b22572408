/**
 * Frames: how controller, invoker, spawner and sandbox talk. One frame is
 *
 *   u32 length of all that follows · u8 version · u8 type · u16 length of the head · 16 bytes id · head (JSON) · payload (opaque)
 *
 * big-endian. Head and payload are separate segments, so a malformed payload cannot break out of its envelope, and arguments and
 * results pass through without being parsed.
 */

/** The version this side speaks. */
export const frameVersion = 1;

/** What a frame says. */
export const frameTypes = { HELLO: 1, INIT: 2, RUN: 3, STARTED: 4, LOG: 5, RESULT: 6, REFUSE: 7, CANCEL: 8, PING: 9 } as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

/** Bytes before the head. */
const prologue = 4 + 1 + 1 + 2 + 16;

/** The largest frame anybody may send, in bytes: code of 48 MB as base64 text fits. */
export const frameBytesMax = 72 * 1024 * 1024;

export interface Frame {
  readonly type: FrameType;
  /** 32 hex digits: the activation's id, or zeros. */
  readonly id: string;
  /** Parsed JSON object. */
  readonly head: Readonly<Record<string, unknown>>;
  readonly payload: Buffer;
}

/** The id of frames that are about no activation. */
export const noId = '0'.repeat(32);

/** The bytes of a frame, as segments to be written in order. */
export function encodeFrame(type: FrameType, id: string, head: object = {}, payload: Uint8Array = new Uint8Array(0)): Buffer[] {
  const headBytes = Buffer.from(JSON.stringify(head));
  if (headBytes.length > 0xffff) throw new Error(`a frame's head is ${headBytes.length} bytes, over 65535`);
  const start = Buffer.allocUnsafe(prologue + headBytes.length);
  start.writeUInt32BE(prologue - 4 + headBytes.length + payload.length, 0);
  start[4] = frameVersion;
  start[5] = type;
  start.writeUInt16BE(headBytes.length, 6);
  start.write(id, 8, 16, 'hex');
  headBytes.copy(start, prologue);
  return payload.length === 0 ? [start] : [start, Buffer.from(payload.buffer, payload.byteOffset, payload.length)];
}

/** A peer broke the frame protocol; its connection is of no more use. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Cuts a byte stream into frames. Feed it chunks as they come; it throws FrameError on bytes that are no frame of ours. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private held = 0;

  constructor(private readonly bytesMax = frameBytesMax) {}

  /** Takes a chunk and returns the frames it completes, in order. */
  push(chunk: Buffer): Frame[] {
    this.chunks.push(chunk);
    this.held += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.next(); frame; frame = this.next()) frames.push(frame);
    return frames;
  }

  private next(): Frame | undefined {
    if (this.held < 4) return undefined;
    const first = this.gather(4);
    const length = first.readUInt32BE(0);
    if (length < prologue - 4 || length > this.bytesMax) throw new FrameError(`a frame of ${length} bytes`);
    if (this.held < 4 + length) return undefined;
    const bytes = this.gather(4 + length);
    this.chunks = bytes.length > 4 + length ? [bytes.subarray(4 + length), ...this.chunks.slice(1)] : this.chunks.slice(1);
    this.held -= 4 + length;
    return decode(bytes.subarray(0, 4 + length));
  }

  /** Makes the first chunk hold at least `bytes` bytes. */
  private gather(bytes: number): Buffer {
    const [first] = this.chunks;
    if (first && first.length >= bytes) return first;
    const joined = Buffer.concat(this.chunks);
    this.chunks = [joined];
    return joined;
  }
}

function decode(bytes: Buffer): Frame {
  if (bytes[4] !== frameVersion) throw new FrameError(`frame version ${bytes[4]}, this side speaks ${frameVersion}`);
  const type = bytes[5] as FrameType;
  if (type < 1 || type > 9) throw new FrameError(`frame type ${type}`);
  const headEnd = prologue + bytes.readUInt16BE(6);
  if (headEnd > bytes.length) throw new FrameError('a head longer than its frame');
  let head: unknown;
  try {
    head = headEnd === prologue ? {} : JSON.parse(bytes.toString('utf8', prologue, headEnd));
  } catch (cause) {
    throw new FrameError('a head that is no JSON', { cause });
  }
  if (head === null || typeof head !== 'object' || Array.isArray(head)) throw new FrameError('a head that is no object');
  return { type, id: bytes.toString('hex', 8, 24), head: head as Record<string, unknown>, payload: bytes.subarray(headEnd) };
}
