import { createConnection } from 'node:net';

/**
 * kafkajs never looks at the lowest version a broker accepts, so a broker that has dropped what kafkajs speaks fails obscurely, by closing
 * connections. This asks a broker for its versions (ApiVersions, version 0, which every broker answers) and compares.
 */

/** The newest version kafkajs speaks of each request that we need, by API key (Kafka protocol guide). */
const spoken = {
  0: ['Produce', 7],
  1: ['Fetch', 11],
  2: ['ListOffsets', 3],
  3: ['Metadata', 6],
  8: ['OffsetCommit', 5],
  9: ['OffsetFetch', 4],
  10: ['FindCoordinator', 2],
  11: ['JoinGroup', 5],
  12: ['Heartbeat', 3],
  13: ['LeaveGroup', 3],
  14: ['SyncGroup', 3],
  19: ['CreateTopics', 3],
} as const satisfies Record<number, readonly [string, number]>;

/** The lowest and highest version that a broker takes of a request, by API key. */
export type ApiVersions = ReadonlyMap<number, { readonly min: number; readonly max: number }>;

/** Requests that broker and client have no version of in common; empty when they can talk. */
export function incompatible(versions: ApiVersions): string[] {
  return Object.entries(spoken)
    .filter(([key, [, newest]]) => {
      const range = versions.get(Number(key));
      return range === undefined || range.min > newest;
    })
    .map(([, [name]]) => name);
}

/** Asks one broker, as `host:port`. */
export async function readApiVersions(broker: string, timeoutMs = 3000): Promise<ApiVersions> {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(broker) ?? [];
  const socket = createConnection({ host, port: Number(port) });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`${broker} does not answer within ${timeoutMs} ms`)));
  // length 10 · key 18 · version 0 · correlation 1 · client id null
  socket.write(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]));
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    if (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      socket.destroy();
      return decodeApiVersions(bytes.subarray(4));
    }
    if (bytes.length > 64 * 1024) break;
  }
  throw new Error(`${broker} does not answer as a Kafka broker`);
}

/** Reads `correlation i32 · error i16 · count i32 · count × (key i16 · min i16 · max i16)`. */
export function decodeApiVersions(body: Buffer): ApiVersions {
  const count = body.readInt32BE(6);
  const at = (index: number, field: number): number => body.readInt16BE(10 + index * 6 + field * 2);
  return new Map(Array.from({ length: count }, (_, index) => [at(index, 0), { min: at(index, 1), max: at(index, 2) }]));
}
