/**
 * Whether a path is one by which operators of OpenWhisk ask a controller. A region decodes what it matches, so `/%69nvokers` is one too; a
 * path that cannot be decoded is none anywhere.
 */
export function asksController(path: string): boolean {
  const first = /^\/([^/?#]*)/.exec(path)?.[1] ?? '';
  try {
    return /^(?:invokers|activation|disable)(?:$|[/;?#])/i.test(decodeURIComponent(first));
  } catch {
    return false;
  }
}
