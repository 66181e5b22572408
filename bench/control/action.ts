/** Control: an action process without a platform. Answers each RUN frame on the unix socket given as argument. */
import { createServer } from 'node:net';
import { Connection, frameTypes } from '#libs/wire';

const [path = ''] = process.argv.slice(2);
createServer((socket) => {
  const connection = new Connection(socket, {
    frame: ({ id, payload }) => {
      JSON.parse(payload.toString());
      connection.send(frameTypes.RESULT, id, {}, Buffer.from(JSON.stringify({ ok: true })));
    },
    closed: () => undefined,
  });
}).listen(path, () => process.stdout.write('listening\n'));
