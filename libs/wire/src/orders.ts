import { asJsonText, type ActivationRecord, type RunOrder, type RunSecret } from '#libs/domain';

/**
 * The payload of a RUN frame: `u32 length · order (JSON) · arguments`. Nothing of it stands in the frame's head, which is bounded: what users
 * choose, such as the name of an entry point, is not.
 */
export function encodeRun(order: RunOrder, args: Uint8Array): Buffer {
  return pack(order, args);
}

/** The order and arguments of a RUN frame. The peer is one of ours and has proven it; the shape is trusted. */
export function decodeRun(payload: Buffer): { order: RunOrder; args: Buffer } {
  const { value, rest } = unpack(payload);
  return { order: value as RunOrder, args: rest };
}

/** `u32 length · secrets (JSON) · arguments`: what the queue of record keeps, encrypted. */
export function packSecret(secret: RunSecret, args: Uint8Array): Buffer {
  return pack(secret, args);
}

/** Undoes `packSecret`. */
export function unpackSecret(payload: Buffer): { secret: RunSecret; args: Buffer } {
  const { value, rest } = unpack(payload);
  return { secret: value as RunSecret, args: rest };
}

/** The payload of a RESULT frame: `u32 length · record (JSON) without logs · the result's JSON text`. */
export function encodeResult(record: ActivationRecord): Buffer {
  const { logs: _logs, response, ...rest } = record;
  const { result, ...outcome } = response;
  return pack({ ...rest, response: outcome, hasResult: result !== undefined }, Buffer.from(result ?? ''));
}

/** The record of a RESULT frame; its logs are empty, as in every blocking answer. */
export function decodeResult(payload: Buffer): ActivationRecord {
  const { value, rest } = unpack(payload);
  const { hasResult, response, ...record } = value as Omit<ActivationRecord, 'logs'> & { hasResult: boolean };
  return { ...record, response: { ...response, result: hasResult ? asJsonText(rest.toString('utf8')) : undefined }, logs: [] };
}

function pack(value: object, rest: Uint8Array): Buffer {
  const bytes = Buffer.from(JSON.stringify(value));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes, rest]);
}

function unpack(payload: Buffer): { value: unknown; rest: Buffer } {
  const end = 4 + payload.readUInt32BE(0);
  return { value: JSON.parse(payload.toString('utf8', 4, end)), rest: payload.subarray(end) };
}
