/** A media type as a header names it, in lower case. */
export interface MediaType {
  readonly full: string;
  readonly main: string;
  readonly sub: string;
  readonly charset?: string;
}

const pattern = /^\s*([!#$%&'*+.^_`|~\w-]+)\/([!#$%&'*+.^_`|~\w-]+)\s*((?:;[^]*)?)$/;

/** Reads a `Content-Type`; undefined where it is none. */
export function readMediaType(header: string | undefined): MediaType | undefined {
  const match = header === undefined ? null : pattern.exec(header);
  if (!match) return undefined;
  const main = (match[1] ?? '').toLowerCase();
  const sub = (match[2] ?? '').toLowerCase();
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(match[3] ?? '')?.[1];
  return { full: `${main}/${sub}`, main, sub, ...(charset === undefined ? {} : { charset }) };
}

/** Whether a media type is JSON or of its family. */
export function isJsonFamily({ full, sub }: MediaType): boolean {
  return full === 'application/json' || sub.endsWith('+json');
}
