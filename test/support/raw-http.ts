import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Writes text to a port as it is and returns everything that comes back until the other side closes. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const socket = await open(port);
  socket.write(text, 'latin1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** Writes text to a port and cuts the connection with a reset, before or after the first bytes of the answer. */
export async function sendAndReset(port: number, text: string, when: 'before-answer' | 'after-answer'): Promise<void> {
  const socket = await open(port);
  const closed = once(socket, 'close');
  socket.write(text, 'latin1');
  if (when === 'after-answer') await once(socket, 'data');
  socket.resetAndDestroy();
  await closed;
}

/** An open connection whose errors are nobody's business. */
export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}
