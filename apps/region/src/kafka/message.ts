import type { ActivationTrace, NamespaceId, QueueMessage, RunOrder } from '#libs/domain';
import { packSecret, unpackSecret } from '#libs/wire';

/**
 * What the queue of record keeps of an invocation: version u8 · length u32 of the order · the order without its secrets (JSON) · secrets and
 * arguments, encrypted with the namespace's key. So the order can be read by whoever has to end an activation whose rest cannot be opened.
 */
const version = 1;
const prologue = 5;

/** Encrypts for a namespace; libs/storage's NamespaceKeys does it. */
export abstract class Sealing {
  abstract seal(ns: NamespaceId, bytes: Uint8Array): Promise<Uint8Array>;
  /** Throws where the bytes were not sealed for this namespace, or the key cannot be had now. */
  abstract open(ns: NamespaceId, sealed: Uint8Array): Promise<Uint8Array>;
}

/** The order without what must not be read. */
export type PublicOrder = Omit<RunOrder, 'secret'>;

/** What a record's trace says where the namespace of an order keeps no records. */
export function keeping({ unkept }: PublicOrder): Pick<ActivationTrace, 'unkept'> {
  return unkept ? { unkept } : {};
}

/** The queue message of an invocation. */
export async function encodeInvocation(sealing: Sealing, order: RunOrder, args: Uint8Array): Promise<QueueMessage> {
  const { secret, ...open } = order;
  const sealed = await sealing.seal(order.ns, packSecret(secret, args));
  const head = Buffer.from(JSON.stringify(open));
  const start = Buffer.allocUnsafe(prologue);
  start[0] = version;
  start.writeUInt32BE(head.length, 1);
  return { id: order.activationId, ns: order.ns, body: Buffer.concat([start, head, sealed]) };
}

/** The order of a body, or undefined where it is none that this version reads. It was written by one of ours; its shape is trusted. */
export function readOrder(body: Uint8Array): { order: PublicOrder; sealed: Buffer } | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (bytes.length < prologue || bytes[0] !== version) return undefined;
  const end = prologue + bytes.readUInt32BE(1);
  if (end > bytes.length) return undefined;
  try {
    return { order: JSON.parse(bytes.toString('utf8', prologue, end)) as PublicOrder, sealed: bytes.subarray(end) };
  } catch {
    return undefined;
  }
}

/** The whole invocation of what `readOrder` found. Throws like `Sealing.open`. */
export async function openInvocation(
  sealing: Sealing,
  { order, sealed }: { order: PublicOrder; sealed: Buffer },
): Promise<{ order: RunOrder; args: Buffer }> {
  const opened = await sealing.open(order.ns, sealed);
  const { secret, args } = unpackSecret(Buffer.from(opened.buffer, opened.byteOffset, opened.length));
  return { order: { ...order, secret }, args };
}
