/** Splits a request target into its path as received and its query without the `?`. */
export function splitTarget(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/**
 * Decodes one path segment exactly once: `%2F` becomes a slash inside the segment and never a separator, `%2525` becomes `%25`.
 * Undefined where the percent encoding is broken or not UTF-8.
 */
export function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
