/** The text of one valid JSON value. Numbers keep the digits they were sent with, so values travel as text, not as parsed doubles. */
export type JsonText = string & { readonly __json: unique symbol };

/** A parsed JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A parsed JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** The JSON text of a value that is plain data. */
export function toJsonText(value: Json | undefined): JsonText {
  return JSON.stringify(value ?? null) as JsonText;
}

/** Marks text that is known to be valid JSON; the caller has parsed it or produced it. */
export function asJsonText(text: string): JsonText {
  return text as JsonText;
}

/** The JSON object of the given members, whose values are JSON text already. A later member replaces an earlier one of the same key. */
export function jsonObject(members: Iterable<readonly [string, JsonText]>): JsonText {
  const parts = [...new Map(members)].map(([key, value]) => `${JSON.stringify(key)}:${value}`);
  return `{${parts.join(',')}}` as JsonText;
}
