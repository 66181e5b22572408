/** The thread of a watch: so it answers even while the test waits for a client without yielding. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { Contract } from './contract.js';

/** What was wrong with answers, and what was seen of every operation. */
export type Report = Pick<Contract, 'violations' | 'coverage'>;

const base = workerData as string;
const contract = await Contract.of(base);
const server = createServer({ maxHeaderSize: 64 * 1024 }, (req, res) => void pass(req, res));
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
parentPort?.on('message', () => {
  const { violations, coverage } = contract;
  parentPort?.postMessage({ violations, coverage } satisfies Report);
});

async function pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    const sent = await bytesOf(req);
    const answer = await ask(req, sent);
    const body = await bytesOf(answer);
    contract.take({
      method: req.method ?? '',
      target: req.url ?? '',
      status: answer.statusCode ?? 0,
      headers: answer.headersDistinct as Record<string, string[]>,
      body,
    });
    res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    res.end(req.method === 'HEAD' ? undefined : body);
  } catch (error) {
    contract.violations.push(`${req.method} ${req.url}: no answer, ${String(error)}`);
    res.destroy();
  }
}

function ask(req: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  const { hostname, port } = new URL(base);
  const framed = body.length > 0 && req.headers['content-length'] === undefined ? ['content-length', String(body.length)] : [];
  const headers = [...without(req.rawHeaders, 'transfer-encoding'), ...framed];
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method: req.method, path: req.url, headers, agent: false, timeout: 90_000 }, resolve);
    sent.on('timeout', () => sent.destroy(new Error('it did not come in time')));
    sent.on('error', reject);
    sent.end(body);
  });
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function without(raw: readonly string[], name: string): string[] {
  return raw.filter((_, i) => raw[i - (i % 2)]?.toLowerCase() !== name);
}
