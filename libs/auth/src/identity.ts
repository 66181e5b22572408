import { isUuid, type LimitOverrides, type NamespaceId } from '#libs/domain';
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

const count = z.number().int().min(0);

/** What a namespace may, where it differs from the profile. */
export const LimitOverridesDoc = z.object({
  invocationsPerMinute: count.optional(),
  firesPerMinute: count.optional(),
  concurrentInvocations: count.optional(),
  allowedKinds: z.array(z.string()).optional(),
  storeActivations: z.boolean().optional(),
  waitOverStatus: z.union([z.literal(202), z.literal(504)]).optional(),
});

/** The document of a namespace's row. */
export const NamespaceDoc = z.object({
  name: z.string().min(1),
  subject: z.string().min(1),
  blocked: z.boolean().optional(),
  limits: LimitOverridesDoc.optional(),
});
export type NamespaceDoc = z.infer<typeof NamespaceDoc>;

/** The document of an auth key's row. `hash` is the SHA-256 (hex) of the secret part. */
export const KeyDoc = z.object({ subject: z.string().min(1), namespace: z.string().min(1), hash: z.string().regex(/^[0-9a-f]{64}$/) });
export type KeyDoc = z.infer<typeof KeyDoc>;

/** The identity a namespace's document stands for; undefined where it is blocked. */
export function identityOf(ns: NamespaceId, { name, subject, blocked, limits }: NamespaceDoc): Identity | undefined {
  if (blocked) return undefined;
  const given = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined);
  return { subject, namespace: name, ns, limits: Object.fromEntries(given) as LimitOverrides };
}
