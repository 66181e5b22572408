import { createHash } from 'node:crypto';
import { bytesOf, isUuid, limitNames, type LimitName, type LimitOverrides, type NamespaceId } from '#libs/domain';
import { z } from 'zod';

/** Who is asking, or whose namespace a web action runs in. */
export interface Identity {
  readonly subject: string;
  /** The namespace's name. */
  readonly namespace: string;
  readonly ns: NamespaceId;
  readonly limits: LimitOverrides;
}

/** A namespace's id from text; throws where it is no UUID. */
export function namespaceId(text: string): NamespaceId {
  if (!isUuid(text)) throw new Error(`'${text}' is no namespace id`);
  return text.toLowerCase() as NamespaceId;
}

/**
 * The id under which rows about a name stand that outlive whoever has the name: a subject's state, and the limits of a namespace, which hold for
 * the next owner too, as in OpenWhisk. A hash, so that a deleted row no longer tells the name.
 */
export function idOfName(kind: 'subject' | 'namespace', name: string): NamespaceId {
  const hex = createHash('sha256').update(`${kind}\0${name}`).digest('hex');
  return namespaceId([hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-'));
}

const count = z.number().int().min(0).max(2_147_483_647);
const size = z.string().refine((text) => bytesOf(text) !== undefined, 'a size is a number and B, KB, MB or GB');

/** What a namespace may, where it differs from the profile, as operators give it: what is not named stays as it is. */
export const LimitOverridesDoc = z.strictObject({
  invocationsPerMinute: count.optional(),
  firesPerMinute: count.optional(),
  concurrentInvocations: count.optional(),
  allowedKinds: z.array(z.string().min(1).max(256)).max(100).optional(),
  storeActivations: z.boolean().optional(),
  minActionMemory: count.optional(),
  maxActionMemory: count.optional(),
  minActionLogs: count.optional(),
  maxActionLogs: count.optional(),
  minActionTimeout: count.optional(),
  maxActionTimeout: count.optional(),
  minActionConcurrency: count.optional(),
  maxActionConcurrency: count.optional(),
  maxParameterSize: size.optional(),
  maxPayloadSize: size.optional(),
  truncationSize: size.optional(),
  waitOverStatus: z.union([z.literal(202), z.literal(504)]).optional(),
});

/** The limits that rows (by path, the limit's name) stand for. A row that this version cannot read is left out. */
export function limitsOfRows(rows: readonly { readonly path: string; readonly doc: string | null }[]): LimitOverrides {
  const known = rows.flatMap(({ path, doc }) => {
    if (!limitNames.includes(path as LimitName)) return [];
    const { value } = z.object({ value: z.unknown() }).parse(JSON.parse(doc ?? '{}'));
    const read = LimitOverridesDoc.safeParse({ [path]: value });
    return read.success ? Object.entries(read.data) : [];
  });
  return Object.fromEntries(known) as LimitOverrides;
}

/** The document of a namespace's row. */
export const NamespaceDoc = z.object({ name: z.string().min(1), subject: z.string().min(1), blocked: z.boolean().optional() });
export type NamespaceDoc = z.infer<typeof NamespaceDoc>;

/** The document of a subject's row: there only where there is more to say than its keys do. */
export const SubjectDoc = z.object({ subject: z.string().min(1), blocked: z.boolean() });
export type SubjectDoc = z.infer<typeof SubjectDoc>;

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** The document of an auth key's row. `hash` is the SHA-256 (hex) of the secret part; `previous` opens too until then (epoch ms). */
export const KeyDoc = z.object({
  subject: z.string().min(1),
  namespace: z.string().min(1),
  hash,
  previous: z.object({ hash, untilMs: z.number() }).optional(),
});
export type KeyDoc = z.infer<typeof KeyDoc>;
