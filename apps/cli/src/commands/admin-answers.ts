/** What the administrative API answers, as far as commands look at it. */
import { z } from 'zod';

/** A subject in the list. */
export const Listed = z.object({
  subjects: z.array(z.object({ name: z.string(), subject: z.string(), namespaceId: z.string(), blocked: z.boolean() })),
});

/** A key and what it opens. */
export const Key = z.object({ subject: z.string(), namespace: z.string(), namespaceId: z.string(), authKey: z.string() });

/** A subject with its keys. */
export const SubjectAnswer = z.object({ subject: z.string(), blocked: z.boolean(), keys: z.array(Key) });

/** The keys of a namespace. */
export const KeysOfNamespace = z.object({ keys: z.array(Key) });

/** What bears a new key. */
export const WithKey = z.object({ authKey: z.string() });

/** Whose a key is. */
export const Owner = z.object({ subject: z.string(), namespace: z.string() });

/** A namespace's own limits. */
export const LimitsAnswer = z.object({ limits: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.array(z.string())])) });

/** The words of every region about one thing. */
export function ofRegions<S extends z.ZodType>(answer: S) {
  return z.object({
    regions: z.record(z.string(), z.union([z.object({ unreachable: z.string() }), z.object({ answer: answer.nullable() })])),
  });
}

/** A path segment. */
export const segment = encodeURIComponent;
