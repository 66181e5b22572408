import { z } from 'zod';

/** Reads an environment by a schema. Throws one error that names every bad variable, so that a bad deployment never boots. */
export function readEnv<S extends z.ZodType>(schema: S, env: Readonly<Record<string, string | undefined>>): z.infer<S> {
  const parsed = schema.safeParse(env);
  if (!parsed.success) throw new Error(`bad configuration\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** A comma-separated list. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

/** A TCP port. */
export const port = z.coerce.number().int().min(0).max(65535);

/** A domain name, without the dot at its end. */
export const domainName = z
  .string()
  .toLowerCase()
  .max(190)
  .regex(/^(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, 'a domain is named like example.net');

/** An https URL; http is for this machine alone. */
export const secureUrl = z.url().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname));
}, 'must be an https URL; http is for this machine alone');
