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
