import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { EntityKey, WorldRegion } from '#libs/domain';
import { encodeRow, type FeedPosition, type ReplicaRow } from '#libs/replication';
import { Pool, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { blobBytesMax, inflatedBytesMax, PositionAnswer, RowsAnswer, type Batch } from './protocol.js';
import type { Tls } from './tls.js';

const zip = promisify(gzip);

/** How often one download may be broken off and taken up again. */
const resumesMax = 5;

/** What a peer said to a batch: `taken` also for one it had already; `gap` tells where it stands instead. */
export type SendAnswer = { readonly kind: 'taken' } | { readonly kind: 'gap'; readonly position: FeedPosition | undefined };

/** The line to one peer's replication service. Both ends show their certificates; the peer's must name the region that is called. */
export class PeerLink {
  private readonly pool: Pool;

  constructor(
    readonly region: WorldRegion,
    tls: Tls,
  ) {
    this.pool = new Pool(new URL(region.replicationUrl).origin, {
      connections: 6,
      pipelining: 1,
      headersTimeout: 40_000,
      bodyTimeout: 10_000,
      keepAliveTimeout: 30_000,
      connect: { ...tls, servername: region.id, timeout: 5000, minVersion: 'TLSv1.3' },
    });
  }

  /** Where the peer stands in our feed; undefined when it has not begun. */
  async position(self: string): Promise<FeedPosition | undefined> {
    const answer = await this.json({ method: 'GET', path: `/repl/v1/cursor?from=${encodeURIComponent(self)}` }, PositionAnswer, [200]);
    return answer.body.position ?? undefined;
  }

  /** Sends a batch; resolves when the peer has committed it. */
  async send(batch: Omit<Batch, 'rows'> & { readonly rows: readonly ReplicaRow[] }): Promise<SendAnswer> {
    const body = await zip(JSON.stringify({ ...batch, rows: batch.rows.map(encodeRow) }));
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await this.json({ method: 'POST', path: '/repl/v1/batch', headers, body }, PositionAnswer, [200, 409]);
    return answer.status === 200 ? { kind: 'taken' } : { kind: 'gap', position: answer.body.position ?? undefined };
  }

  /** Rows by key, as the peer sent them: not yet checked. */
  async rows(keys: readonly EntityKey[]): Promise<readonly unknown[]> {
    const body = JSON.stringify({ keys: keys.map(({ space, ns, path }) => ({ space, ns, path })) });
    const headers = { 'content-type': 'application/json' };
    return (await this.json({ method: 'POST', path: '/repl/v1/rows', headers, body }, RowsAnswer, [200])).body.rows;
  }

  /** The bytes of an address, verified, or undefined when the peer has none. A broken download goes on where it stopped. */
  async blob(address: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let received = 0;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await this.pool.request({
          method: 'GET',
          path: `/repl/v1/blob/${address}`,
          headers: received > 0 ? { range: `bytes=${received}-` } : {},
          signal,
        });
        if (answer.statusCode !== (received > 0 ? 206 : 200)) {
          await answer.body.dump();
          if (answer.statusCode === 404) return undefined;
          throw new Error(`${this.region.id} answered ${answer.statusCode} to a request for a blob`);
        }
        for await (const part of answer.body as AsyncIterable<Uint8Array>) {
          received += part.byteLength;
          if (received > blobBytesMax) throw new Error(`a blob of ${this.region.id} is longer than ${blobBytesMax} bytes`);
          parts.push(part);
        }
        break;
      } catch (cause) {
        if (attempt >= resumesMax || received === 0 || received > blobBytesMax || signal.aborted) throw cause;
      }
    }
    const bytes = Buffer.concat(parts);
    if (createHash('sha256').update(bytes).digest('hex') !== address)
      throw new Error(`${this.region.id} sent a blob that is not what its address says`);
    return bytes;
  }

  /** Breaks off what is under way. */
  close(): Promise<void> {
    return this.pool.destroy();
  }

  private async json<S extends z.ZodType>(
    request: Pick<Dispatcher.RequestOptions, 'method' | 'path' | 'headers' | 'body'>,
    schema: S,
    expected: readonly number[],
  ): Promise<{ status: number; body: z.infer<S> }> {
    const answer = await this.pool.request({ ...request, signal: AbortSignal.timeout(60_000) });
    if (!expected.includes(answer.statusCode)) {
      await answer.body.dump();
      throw new Error(`${this.region.id} answered ${answer.statusCode} to ${request.method} ${request.path}`);
    }
    return { status: answer.statusCode, body: schema.parse(JSON.parse(await bounded(answer.body))) };
  }
}

async function bounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.byteLength;
    if (bytes > inflatedBytesMax) throw new Error(`an answer is longer than ${inflatedBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
