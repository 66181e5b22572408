import { asJsonText, type ActivationRecord, type RunOrder, type RunSecret } from '#libs/domain';

/** The head and payload of a RUN frame: the order without its secrets, then `u32 length · secrets (JSON) · arguments`. */
export function encodeRun(order: RunOrder, args: Uint8Array): { head: object; payload: Buffer } {
  const { secret, ...head } = order;
  return { head, payload: packSecret(secret, args) };
}

/** The order and arguments of a RUN frame. The peer is one of ours and has proven it; the shape is trusted. */
export function decodeRun(head: object, payload: Buffer): { order: RunOrder; args: Buffer } {
  const { secret, args } = unpackSecret(payload);
  return { order: { ...(head as Omit<RunOrder, 'secret'>), secret }, args };
}

/** `u32 length · secrets (JSON) · arguments`: also what the queue of record keeps, encrypted. */
export function packSecret(secret: RunSecret, args: Uint8Array): Buffer {
  const bytes = Buffer.from(JSON.stringify(secret));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes, args]);
}

/** Undoes `packSecret`. */
export function unpackSecret(payload: Buffer): { secret: RunSecret; args: Buffer } {
  const end = 4 + payload.readUInt32BE(0);
  return { secret: JSON.parse(payload.toString('utf8', 4, end)) as RunSecret, args: payload.subarray(end) };
}

/** The head and payload of a RESULT frame: the record without logs; the result's JSON text is the payload. */
export function encodeResult(record: ActivationRecord): { head: object; payload: Buffer } {
  const { logs: _logs, response, ...rest } = record;
  const { result, ...outcome } = response;
  return { head: { ...rest, response: outcome, hasResult: result !== undefined }, payload: Buffer.from(result ?? '') };
}

/** The record of a RESULT frame; its logs are empty, as in every blocking answer. */
export function decodeResult(head: object, payload: Buffer): ActivationRecord {
  const { hasResult, response, ...rest } = head as Omit<ActivationRecord, 'logs'> & { hasResult: boolean };
  return { ...rest, response: { ...response, result: hasResult ? asJsonText(payload.toString('utf8')) : undefined }, logs: [] };
}
