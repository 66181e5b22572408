import { Pool } from 'undici';

/** One request to repeat. */
export interface Shot {
  readonly base: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a round measured: latencies in ms and requests a second. */
export interface Round {
  readonly latenciesMs: readonly number[];
  readonly rps: number;
}

/** Sends `shot` over `connections` keep-alive connections, one at a time on each, for `forMs`. Throws on any answer but 200. */
export async function load(shot: Shot, connections: number, forMs: number): Promise<Round> {
  const pool = new Pool(shot.base, { connections, pipelining: 1 });
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const worker = async () => {
    while (performance.now() - startedAt < forMs) {
      const sentAt = performance.now();
      const { method, path, headers } = shot;
      const { statusCode, body } = await pool.request({ path, method, headers, body: shot.body ?? null });
      const text = await body.text();
      if (statusCode !== 200) throw new Error(`${shot.base}${shot.path}: ${statusCode} ${text.slice(0, 200)}`);
      latenciesMs.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  await pool.close();
  return { latenciesMs, rps: latenciesMs.length / ((performance.now() - startedAt) / 1000) };
}
