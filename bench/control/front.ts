/** Control: the shortest chain that still crosses two processes, HTTP in front and frames behind. Arguments: port, unix socket. */
import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { connect, frameTypes } from '#libs/wire';

const [port = '', path = ''] = process.argv.slice(2);
const waiting = new Map<string, ServerResponse>();
const action = await connect(`unix:${path}`, {
  frame: ({ id, payload }) => {
    waiting.get(id)?.writeHead(200, { 'content-type': 'application/json' }).end(payload);
    waiting.delete(id);
  },
  closed: () => process.exit(0),
});
createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const id = randomBytes(16).toString('hex');
    waiting.set(id, response);
    action.send(frameTypes.RUN, id, {}, Buffer.concat(chunks));
  });
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));
