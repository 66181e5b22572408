/** The wire format between replication services, read strictly: a peer may be of another version, broken, or not what it says it is. */
import { regionName } from '#libs/config';
import type { NamespaceId, Space } from '#libs/domain';
import { z } from 'zod';

/** Rows that one batch may hold; a sender makes smaller ones. */
export const batchRowsMax = 500;
/** Bytes of documents in a batch, roughly; a single larger row travels alone. */
export const batchBytes = 4 * 1024 * 1024;
/** Bytes of a request's body, compressed and inflated. */
export const bodyBytesMax = 32 * 1024 * 1024;
export const inflatedBytesMax = 64 * 1024 * 1024;
/** Bytes of one piece of encrypted code. */
export const blobBytesMax = 128 * 1024 * 1024;
/** Keys that may be asked for at once. */
export const keysMax = 200;

const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a lower-case UUID');
const xid = z
  .string()
  .regex(/^(0|[1-9]\d{0,19})$/)
  .refine((text) => BigInt(text) < 2n ** 64n, 'a transaction id has 64 bits');

export const CursorSchema = z.object({
  xid,
  key: z
    .string()
    .max(1100)
    .regex(/^$|^\d{1,5}\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/[^\0]*$/s, 'a row key'),
});

export const PositionSchema = z.object({ epoch: uuid, cursor: CursorSchema });

/** What a receiver tells of itself. */
export const PositionAnswer = z.object({ position: PositionSchema.nullable() });

/** A stretch of the sender's feed. `from` names the sender, as its certificate does; rows are read one by one, since one bad row must stop no other. */
export const BatchSchema = z.object({
  from: regionName,
  epoch: uuid,
  schema: z.number().int().min(1),
  after: CursorSchema,
  upto: CursorSchema,
  rows: z.array(z.unknown()).max(batchRowsMax),
});
export type Batch = z.infer<typeof BatchSchema>;

/** Rows asked for by key, whatever their origin. */
export const KeysSchema = z.object({
  keys: z
    .array(
      z.object({
        space: z
          .number()
          .int()
          .min(0)
          .max(32_767)
          .transform((space) => space as Space),
        ns: uuid.transform((ns) => ns as NamespaceId),
        path: z
          .string()
          .min(1)
          .max(800)
          .regex(/^[^\0]*$/s),
      }),
    )
    .max(keysMax),
});

export const RowsAnswer = z.object({ rows: z.array(z.unknown()).max(keysMax) });

/** The address of a blob. */
export const addressPattern = /^[0-9a-f]{64}$/;
