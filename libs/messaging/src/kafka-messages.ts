import { isActivationId, type NamespaceId, type QueueMessage } from '#libs/domain';

/**
 * A message of the queue on Kafka: version u8 · attempts u8 · activation id 16 bytes · namespace id 16 bytes · body. The key is the namespace.
 */
const version = 1;
const prologue = 2 + 16 + 16;

/** Bytes that Kafka's record format, the key and our prologue add to a body, with room to spare. */
export const recordBytes = prologue + 36 + 64;

/** A message with how often it was put back because nobody could handle it. */
export interface Requeued {
  readonly message: QueueMessage;
  readonly attempts: number;
}

/** The value of a Kafka record. */
export function encodeMessage({ message, attempts }: Requeued): Buffer {
  const start = Buffer.allocUnsafe(prologue);
  start[0] = version;
  start[1] = Math.min(attempts, 255);
  start.write(message.id, 2, 16, 'hex');
  start.write(message.ns.replaceAll('-', ''), 18, 16, 'hex');
  return Buffer.concat([start, message.body]);
}

/** The message of a record's value, or undefined where it is none of ours. */
export function decodeMessage(value: Buffer | null): Requeued | undefined {
  if (!value || value.length < prologue || value[0] !== version) return undefined;
  const id = value.toString('hex', 2, 18);
  const ns = value.toString('hex', 18, 34).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') as NamespaceId;
  return isActivationId(id) ? { message: { id, ns, body: value.subarray(prologue) }, attempts: value[1] ?? 0 } : undefined;
}

/** Partitions of the queue's topic. */
export const partitionCount = 8;

/**
 * The partition of a message: each namespace has two of the eight, chosen by its id, and its messages alternate between them by theirs.
 * So a namespace that floods the queue slows at most two partitions, and few others share both with it.
 */
export function partitionOf({ id, ns }: Pick<QueueMessage, 'id' | 'ns'>, partitions = partitionCount): number {
  const hash = fnv1a(ns);
  const first = hash % partitions;
  const second = (first + 1 + (Math.floor(hash / partitions) % (partitions - 1))) % partitions;
  return fnv1a(id) % 2 === 0 ? first : second;
}

/** FNV-1a, 32 bits, with a final mix so that the low bits depend on every character. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
