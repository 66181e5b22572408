/** Splits a request target into its path as received and its query without the `?`. */
export function splitTarget(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

const dots = /\/(?:\.|%2e){1,2}(?=\/|$)/i;

/**
 * A request target as OpenWhisk reads it: without the segments `.` and `..`, each `..` taking the segment before it away (RFC 3986 §5.2.4),
 * an encoded dot counting as one. Clients send them: `wskdeploy` reaches a feed of another namespace by `…/actions/../../NS/actions/…`.
 */
export function withoutDots(target: string): string {
  const { path } = splitTarget(target);
  if (!path.startsWith('/') || !dots.test(path)) return target;
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [at, segment] of segments.entries()) {
    const plain = segment.replaceAll(/%2e/gi, '.');
    if (plain !== '.' && plain !== '..') kept.push(segment);
    else {
      if (plain === '..') kept.pop();
      if (at === segments.length - 1) kept.push('');
    }
  }
  return `/${kept.join('/')}${target.slice(path.length)}`;
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
