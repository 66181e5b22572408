/** The router's edges against plain HTTP servers that stand where regions would: framing, upgrades, operators' questions, shutdown. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'undici';
import { open, sendAndReset, sendRaw } from '../support/raw-http.js';
import { adminToken, echoOf, tokyo, useRouterWorld, type Echo } from '../support/router-world.js';

const world = useRouterWorld();
const { us, eu, ap, all } = world;
const call = world.call.bind(world);

suite('framing', { timeout: 120_000 }, () => {
  const head = 'Host: x\r\nX-Forwarded-For: 13.112.0.1\r\n';

  test('what could be read in two ways is refused and the connection closed', async () => {
    const bad = [
      `POST / HTTP/1.1\r\n${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST / HTTP/1.1\r\n${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
      `POST / HTTP/1.1\r\n${head}Content-Length: 3, 4\r\n\r\nabcd`,
      `POST / HTTP/1.1\r\n${head}Content-Length: +3\r\n\r\nabc`,
      `POST / HTTP/1.1\r\n${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      `POST / HTTP/1.1\r\n${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      `POST / HTTP/1.1\r\n${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
      `POST / HTTP/1.1\r\n${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
      `POST / HTTP/1.0\r\n${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `GET / HTTP/1.1\r\n${head}Host: y\r\n\r\n`,
      `GET / HTTP/1.1\r\n${head}X-A: 1\r\n folded\r\n\r\n`,
      `OPTIONS * HTTP/1.1\r\n${head}\r\n`,
    ];
    for (const text of bad) assert.match(await sendRaw(world.port, text), /^HTTP\/1\.1 400 [\s\S]*connection: close/i, text);
    assert.equal(ap.seen.length, 0);
  });

  test('a chunked DELETE whose body is a request stays one message, and the next caller gets his own answer', async () => {
    const hidden = 'PUT /api/v1/namespaces/_/triggers/evil HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
    const chunked = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    const text = await sendRaw(
      world.port,
      `DELETE /api/v1/namespaces/_/triggers/x HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n${chunked}` +
        `GET /other HTTP/1.1\r\n${head}Connection: close\r\n\r\n`,
    );
    assert.deepEqual(
      ap.seen.map((req) => `${req.method} ${req.url}`),
      ['DELETE /api/v1/namespaces/_/triggers/x', 'GET /other'],
    );
    assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 2);
    assert.ok(text.includes(JSON.stringify(hidden)), 'the body arrived whole');
  });

  test('Connection cannot take away what the region relies on', async () => {
    const headers = 'Authorization: Basic eA==\r\nX-Hop: 1\r\nConnection: close, authorization, x-forwarded-for, x-hop, content-length\r\n';
    const text = await sendRaw(world.port, `POST / HTTP/1.1\r\n${head}${headers}Content-Length: 2\r\n\r\nhi`);
    const got = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as Echo;
    assert.equal(got.headers['authorization'], 'Basic eA==');
    assert.equal(got.headers['x-forwarded-for'], '13.112.0.1, 127.0.0.1');
    assert.equal(got.headers['x-hop'], undefined);
    assert.equal(got.body, 'hi');
  });

  test('nonsense behind a request is refused, but never between the bytes of an answer', async () => {
    const nonsense = await sendRaw(world.port, `POST / HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\nnot a size\r\n`);
    assert.match(nonsense, /^HTTP\/1\.1 400 /);
    ap.behave = (_req, res) => {
      res.writeHead(200, { 'content-length': 100 }).write('half of it');
    };
    const socket = await open(world.port);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.write(`GET / HTTP/1.1\r\n${head}\r\n`);
    while (!text.endsWith('half of it')) await once(socket, 'data');
    socket.write('nonsense\r\n\r\n');
    await once(socket, 'close');
    assert.ok(text.endsWith('half of it'), text);
  });

  test('an offer of h2c is passed over, HTTP/1.0 is served', async () => {
    const h2c = `GET / HTTP/1.1\r\n${head}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`;
    assert.match(await sendRaw(world.port, h2c), /^HTTP\/1\.1 200 /);
    assert.match(await sendRaw(world.port, `GET / HTTP/1.0\r\n${head}\r\n`), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n\{/);
  });

  test('an upgrade gets 501, and a thousand resets around it harm nobody', async () => {
    const upgrade = `GET / HTTP/1.1\r\n${head}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n`;
    assert.match(await sendRaw(world.port, upgrade), /^HTTP\/1\.1 501 /);
    assert.match(await sendRaw(world.port, 'CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n'), /^HTTP\/1\.1 501 /);
    for (let i = 0; i < 1000; i += 1) await sendAndReset(world.port, upgrade, i % 2 ? 'before-answer' : 'after-answer');
    assert.equal(ap.seen.length, 0);
    assert.equal((await call('/')).status, 200);
  });
});

suite('operators', { timeout: 120_000 }, () => {
  const admin = { authorization: `Bearer ${adminToken}` };

  test('the list of regions and the why answer need the token', async () => {
    for (const path of ['/isochrone/v1/regions', '/isochrone/v1/why/x']) {
      assert.equal((await call(path)).status, 401);
      assert.equal((await call(path, { headers: { authorization: 'Bearer wrong' } })).status, 401);
    }
    const { regions } = JSON.parse((await call('/isochrone/v1/regions', { headers: admin })).text) as {
      regions: { id: string; healthy: boolean }[];
    };
    assert.deepEqual(
      regions.map(({ id, healthy }) => [id, healthy]),
      all.map(({ id }) => [id, true]),
    );
  });

  test('why joins the decision of the router with the word of every region', async () => {
    await call('/api/v1/namespaces/_/actions/a?secret=1', { headers: { ...tokyo, 'x-request-id': 'asked' } });
    const told = (req: IncomingMessage, res: ServerResponse): void => {
      res.writeHead(req.headers.authorization === admin.authorization ? 200 : 401).end(JSON.stringify({ heard: req.url }));
    };
    for (const region of all) region.behave = told;
    eu.behave = (_req, res) => void res.writeHead(404).end('{}');
    const why = JSON.parse((await call('/isochrone/v1/why/asked', { headers: admin })).text) as {
      router: {
        path: string;
        because: unknown;
        attempts: { region: string; outcome: string; status: number }[];
        caller: { network: string };
      }[];
      regions: Record<string, unknown>;
    };
    assert.equal(why.router.length, 1);
    assert.equal(why.router[0]?.path, '/api/v1/namespaces/_/actions/a');
    assert.deepEqual(why.router[0]?.because, { kind: 'nearest', region: 'ap-northeast-1', km: 6, passedOver: [] });
    assert.equal(why.router[0]?.attempts[0]?.status, 200);
    assert.equal(why.router[0]?.caller.network, '13.112.0.0/24');
    assert.deepEqual(why.regions['us-east-1'], { answer: { heard: '/isochrone/v1/why/asked' } });
    assert.deepEqual(why.regions['eu-west-1'], { answer: null });
  });

  test('subjects are administered in a region', async () => {
    const got = echoOf(await call('/isochrone/v1/subjects?limit=1', { headers: { ...admin, ...tokyo } }));
    assert.equal(got.url, '/isochrone/v1/subjects?limit=1');
    assert.equal(got.headers['authorization'], admin.authorization);
  });

  test('liveness needs nobody', async () => {
    assert.deepEqual(JSON.parse((await call('/health/live')).text), { live: true });
  });
});

suite('shutdown', { timeout: 120_000 }, () => {
  test('readiness goes red, what is in flight ends, what is half sent is cut, idle connections close', async () => {
    const leaving = await world.startRouter('local', 300);
    const other = new Client(`http://127.0.0.1:${leaving.port}`);
    const idle = await open(leaving.port);
    const half = await open(leaving.port);
    half.write('POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 13.112.0.1\r\nContent-Length: 100\r\n\r\nhalf');
    const closed = Promise.all([once(idle.resume(), 'close'), once(half.resume(), 'close')]);
    let finish = (): void => undefined;
    us.behave = (_req, res) => {
      finish = () => void res.end('done');
    };
    const pending = other.request({ path: '/', method: 'POST', body: 'x' });
    while (us.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));

    const stopped = leaving.stop();
    const readiness = await fetch(`http://127.0.0.1:${leaving.port}/health/ready`);
    assert.equal(readiness.status, 503);
    assert.match(await readiness.text(), /"because":"draining"/);
    finish();
    const answer = await pending;
    assert.equal(answer.headers['connection'], 'close');
    assert.equal(await answer.body.text(), 'done');
    await stopped;
    await closed;
    await other.destroy();
  });

  test('the process ends with 0 after SIGTERM, and with one clear line when its configuration is bad', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'isochrone-router-'));
    const file = join(folder, 'world.json');
    await writeFile(file, JSON.stringify(world.world));
    const good = runRouter({
      ISOCHRONE_WORLD: file,
      ISOCHRONE_ADMIN_TOKEN: adminToken,
      ISOCHRONE_PORT: '0',
      ISOCHRONE_DRAIN_NOTICE_MS: '0',
    });
    while (!good.log().includes('router serves')) await once(good.child.stderr, 'data');
    good.child.kill('SIGTERM');
    assert.deepEqual(await once(good.child, 'exit'), [0, null]);

    const bad = runRouter({ ISOCHRONE_WORLD: file, ISOCHRONE_ADMIN_TOKEN: adminToken, ISOCHRONE_TRUSTED_PROXIES: '10.0.0.0/8,nonsense' });
    assert.deepEqual(await once(bad.child, 'close'), [1, null]);
    assert.equal(bad.log(), "router: 'nonsense' is neither an IP address nor a CIDR range\n");
    await rm(folder, { recursive: true });
  });
});

function runRouter(env: Record<string, string>) {
  const main = fileURLToPath(new URL('../../apps/router/src/main.js', import.meta.url));
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, log: () => text };
}
