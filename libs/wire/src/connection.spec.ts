import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Connection } from './connection.js';
import { frameTypes, noId } from './frame.js';

/** As much of a socket as a connection writes to. */
function aSocket() {
  const socket = {
    corked: 0,
    written: 0,
    on: () => socket,
    setNoDelay: () => socket,
    cork: () => (socket.corked += 1),
    uncork: () => (socket.corked -= 1),
    write: () => ((socket.written += 1), true),
  };
  return socket;
}

test('a frame that cannot be made leaves the connection as it was', () => {
  const socket = aSocket();
  const connection = new Connection(socket as unknown as Socket, { frame: () => undefined, closed: () => undefined });
  assert.throws(() => connection.send(frameTypes.RUN, noId, { main: 'x'.repeat(70_000) }), /head is \d+ bytes/);
  connection.send(frameTypes.PING, noId);
  assert.deepEqual({ corked: socket.corked, written: socket.written }, { corked: 0, written: 1 });
});
