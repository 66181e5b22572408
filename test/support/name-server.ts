import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** What a name has: addresses, or texts. A function is asked for each question. */
type Records = readonly string[] | (() => readonly string[]);

const types = { A: 1, AAAA: 28, TXT: 16 } as const;

/** A name server on this machine that knows what it is told; other names do not exist. */
export interface NameServer {
  readonly address: string;
  /** How often a name's A records were asked for. */
  asked(name: string): number;
  stop(): void;
}

/** Starts a name server; `zone` maps `name type`, such as `a.test A`, to records. */
export async function startNameServer(zone: Readonly<Record<string, Records>>): Promise<NameServer> {
  const socket = createSocket('udp4');
  const counts = new Map<string, number>();
  socket.on('message', (query, from) => {
    const { name, type, end } = questionOf(query);
    const kind = Object.entries(types).find(([, number]) => number === type)?.[0] ?? '';
    if (kind === 'A') counts.set(name, (counts.get(name) ?? 0) + 1);
    const found = zone[`${name} ${kind}`];
    const records = typeof found === 'function' ? found() : (found ?? []);
    const known = Object.keys(zone).some((key) => key.startsWith(`${name} `));
    const head = Buffer.from([0, 0, 0x81, known ? 0x80 : 0x83, 0, 1, 0, records.length, 0, 0, 0, 0]);
    query.copy(head, 0, 0, 2);
    socket.send(Buffer.concat([head, query.subarray(12, end), ...records.map((record) => answer(type, record))]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked: (name) => counts.get(name) ?? 0,
    stop: () => socket.close(),
  };
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answer(type: number, record: string): Buffer {
  const data =
    type === types.A ? Buffer.from(record.split('.').map(Number)) : Buffer.concat([Buffer.from([record.length]), Buffer.from(record)]);
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([head, data]);
}
