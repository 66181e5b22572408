import { spaces, type NamespaceId, type RegionEvent, type Space } from '#libs/domain';

/** The bytes of an event: JSON. */
export function encodeEvent({ topic, key }: RegionEvent): Buffer {
  return Buffer.from(JSON.stringify({ topic, space: key.space, ns: key.ns, path: key.path }));
}

/** The event of such bytes, or undefined where they are none that this version knows. */
export function decodeEvent(bytes: Buffer): RegionEvent | undefined {
  let read: unknown;
  try {
    read = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (read === null || typeof read !== 'object') return undefined;
  const { topic, space, ns, path } = read as Readonly<Record<string, unknown>>;
  if (topic !== 'entity.changed' || !isSpace(space) || typeof ns !== 'string' || typeof path !== 'string') return undefined;
  return { topic, key: { space, ns: ns as NamespaceId, path } };
}

function isSpace(value: unknown): value is Space {
  return (Object.values(spaces) as unknown[]).includes(value);
}
