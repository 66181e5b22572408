/**
 * Control: the shortest chain that still crosses two processes, HTTP in front and frames behind. Arguments: port, unix socket, and a database
 * where each call is to be a committed row as well before it is answered.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';
import { connect, frameTypes } from '#libs/wire';

const [port = '', path = '', databaseUrl] = process.argv.slice(2);
const waiting = new Map<string, (result: Buffer) => void>();
const rows = databaseUrl === undefined ? undefined : new pg.Pool({ connectionString: databaseUrl, max: 4 });
await rows?.query('create table if not exists accepted (id text primary key, body bytea)');
const action = await connect(`unix:${path}`, {
  frame: ({ id, payload }) => {
    waiting.get(id)?.(payload);
    waiting.delete(id);
  },
  closed: () => process.exit(0),
});

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const id = randomBytes(16).toString('hex');
    const body = Buffer.concat(chunks);
    const result = new Promise<Buffer>((resolve) => waiting.set(id, resolve));
    action.send(frameTypes.RUN, id, {}, body);
    const durable = rows?.query({ name: 'accept', text: 'insert into accepted values ($1, $2)', values: [id, body] });
    Promise.all([result, durable]).then(
      ([text]) => response.writeHead(200, { 'content-type': 'application/json' }).end(text),
      () => response.writeHead(500).end(),
    );
  });
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));
