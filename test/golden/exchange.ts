import { request } from 'node:http';

/** A request sent exactly as given. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
}

/** An answer; header names in lower case, each line a value. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Buffer;
}

/** Sends a request on a connection of its own, with no header but Host and Content-Length added and no path cleaned up. */
export function exchange(base: string, call: Call, timeoutMs = 75_000): Promise<Answer> {
  const { hostname, port } = new URL(base);
  const headers = { ...call.headers, ...(call.body && { 'content-length': String(call.body.length) }) };
  return new Promise((resolve, reject) => {
    let answered = false;
    const sent = request({ hostname, port, method: call.method, path: call.path, headers, agent: false }, (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: lines(response.rawHeaders), body: Buffer.concat(chunks) }),
      );
    });
    // A server may refuse a large body before it has read it all: then its answer counts, not the broken pipe behind it.
    sent.on('error', (error) => setTimeout(() => (answered ? undefined : reject(error)), 300));
    sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer to ${call.method} ${call.path} within ${timeoutMs} ms`)));
    sent.end(call.body);
  });
}

function lines(raw: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let i = 0; i < raw.length; i += 2) (headers[(raw[i] ?? '').toLowerCase()] ??= []).push(raw[i + 1] ?? '');
  return headers;
}
