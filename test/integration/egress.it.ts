/** What actions in isolated sandboxes reach through the gateway, and what not. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer as createWeb, type Server as Web } from 'node:http';
import { createServer as createSecureWeb } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Sandbox } from '#libs/domain';
import type { EgressOptions, NativeDriver } from '#libs/sandbox';
import { Authority } from '../support/certificates.js';
import { startNameServer, type NameServer } from '../support/name-server.js';
import { answer, eventually, init, run, runOnceOn, startSpawner, withSandboxOf, zipOf, type TestSpawner } from '../support/sandboxes.js';

const MiB = 1024 * 1024;
const bigBytes = 48 * MiB;
const isolatedHere =
  process.platform === 'linux' && ['/usr/bin/bwrap', '/bin/bwrap', '/usr/local/bin/bwrap'].some((path) => existsSync(path));
const asRoot = process.getuid?.() === 0;
/** In front of every action: what a connection comes to, and what a promise does. */
const tools = `const net = require('net'), dns = require('dns');
  const dial = (...to) => new Promise((done) => { const s = net.connect(...to); s.on('error', (e) => done(e.code)); s.on('connect', () => { done('connected'); s.destroy(); }); });
  const codeOf = (promise) => promise.then(() => 'fine', (e) => e.code ?? e.cause?.code ?? String(e));
`;

let spawner: TestSpawner;
let driver: NativeDriver;
let names: NameServer;
let web: Web;
let secure: Web;
let echo: Server;
let second: Server;
let hidden: Server;
let hiddenTouched = 0;
const big = randomBytes(bigBytes);
let sent = 0;
let ca = '';
const streams = new Set<Socket>();

describe('egress', { skip: !isolatedHere }, () => {
  before(async () => {
    const authority = await Authority.make();
    ca = authority.ca;
    const pair = await authority.issue('web.test');
    web = await listening(
      createWeb((request, response) => {
        if (request.url === '/big') {
          streams.add(response.socket as Socket);
          sent = 0;
          const write = (): void => {
            while (sent < big.length) {
              const piece = big.subarray(sent, sent + 65_536);
              sent += piece.length;
              if (!response.write(piece)) return void response.once('drain', write);
            }
            response.end();
          };
          return write();
        }
        if (request.url === '/sent') return void response.end(String(sent));
        const hash = createHash('sha256');
        request
          .on('data', (chunk: Buffer) => hash.update(chunk))
          .on('end', () => response.end(`${request.headers.host} ${hash.digest('hex')}`));
      }),
    );
    secure = await listening(
      createSecureWeb(pair, (request, response) => response.end(`secure ${request.headers.host}`)) as unknown as Web,
    );
    // Answers when its caller has said all.
    echo = await listening(createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => socket.destroy()).pipe(socket)));
    hidden = await listening(createServer((socket) => void ((hiddenTouched += 1), socket.destroy())));
    let answers = 0;
    names = await startNameServer({
      'web.test A': ['127.0.0.1'],
      'turn.test A': () => (answers++ === 0 ? ['127.0.0.2'] : ['127.0.0.1']),
      'mixed.test A': ['127.0.0.1', '127.0.0.2'],
      'inside.test A': ['10.0.0.1'],
      'meta.test A': ['169.254.169.254'],
      'text.test TXT': ['some text'],
    });
    spawner = startSpawner();
    driver = await spawner.connect(options());
  });

  after(async () => {
    await driver?.close();
    assert.equal(await spawner?.stop(), 0);
    names?.stop();
    for (const server of [web, secure, echo, second, hidden]) server?.close();
    web?.closeAllConnections();
  });

  const options = (): EgressOptions => ({
    rules: {
      mode: 'listed',
      ports: ['443', '80'],
      allow: [...[web, secure, echo].map((server) => `127.0.0.1:${portOf(server)}`), `127.0.0.2:${portOf(hidden)}`],
    },
    nameServers: [names.address],
    logLevel: 'error',
  });
  const runOnce = (code: string, args: unknown = {}): ReturnType<Sandbox['run']> => runOnceOn(driver, tools + code, args);
  const value = async (code: string, args: unknown = {}): Promise<Record<string, unknown>> => answer(await runOnce(code, args));

  test('fetch, http, https, plain sockets, worker threads and child processes', async () => {
    const seen = await value(
      `const text = (m, url, o = {}) => new Promise((y, n) => m.get(url, o, (r) => { let all = ''; r.on('data', (c) => all += c).on('end', () => y(all)); }).on('error', n));
      const fetching = (url) => \`fetch('\${url}').then((r) => r.text()).then((t) => \`;
      async function main({ web, secure, ca }) {
        const { Worker } = require('worker_threads');
        const plain = 'http://127.0.0.1:' + web + '/';
        return { fetch: await (await fetch(plain)).text(), http: await text(require('http'), plain),
          https: await text(require('https'), 'https://127.0.0.1:' + secure + '/', { ca }),
          worker: await new Promise((y, n) => new Worker(fetching(plain) + "require('worker_threads').parentPort.postMessage(t))", { eval: true }).on('message', y).on('error', n)),
          child: require('child_process').execFileSync(process.execPath, ['-e', fetching(plain) + 'console.log(t))'], { encoding: 'utf8' }).trim(),
          peer: await new Promise((y, n) => { const s = net.connect(web, '127.0.0.1', () => { y(s.remoteAddress + ' ' + s.remotePort); s.destroy(); }).on('error', n); }) };
      }`,
      { web: portOf(web), secure: portOf(secure), ca },
    );
    second = await listening(
      createServer((socket) => void socket.on('error', () => undefined).end('second')),
      '127.0.0.2',
      portOf(hidden),
    );
    const plain = `127.0.0.1:${portOf(web)} ${createHash('sha256').digest('hex')}`;
    assert.deepEqual(seen, {
      fetch: plain,
      http: plain,
      https: `secure 127.0.0.1:${portOf(secure)}`,
      worker: plain,
      child: plain,
      peer: `127.0.0.1 ${portOf(web)}`,
    });
  });

  test('a redis client, required by code that does not bring it, from text, CommonJS and ES modules', async () => {
    const store = new Map<string, string>();
    const redis = await listening(createServer((socket) => serveRedis(socket, store)));
    const mine = await spawner.connect({ ...options(), rules: { mode: 'none', ports: [], allow: [`127.0.0.1:${portOf(redis)}`] } });
    const body = `(args) => new Promise((done, failed) => { const client = redis.createClient({ host: '127.0.0.1', port: args.port });
      client.on('error', failed); client.set('k', args.value, () => client.get('k', (e, got) => { client.quit(); done({ got, ow: typeof openwhisk }); })); })`;
    const required = "const redis = require('redis'), openwhisk = require('openwhisk'); require('uuid').v4();";
    const forms = [
      `${required} const main = ${body};`,
      await zipOf({ 'index.js': `${required} exports.main = ${body};` }),
      await zipOf({ 'index.mjs': `import redis from 'redis'; import openwhisk from 'openwhisk'; export const main = ${body};` }),
    ];
    try {
      for (const [n, code] of forms.entries()) {
        await withSandboxOf(mine, async (sandbox) => {
          assert.deepEqual((await init(sandbox, code)).outcome, { kind: 'ok' });
          assert.deepEqual(answer(await run(sandbox, { port: portOf(redis), value: `v${n}` })), { got: `v${n}`, ow: 'function' });
        });
      }
      assert.equal(store.get('k'), 'v2');
    } finally {
      await mine.close();
      redis.close();
    }
  });

  test('names: of connections, of lookups, and what is no address', async () => {
    const seen = await value(
      `async function main({ echo }) { const { promisify } = require('util');
        return { byName: await dial(echo, 'web.test'), other: await dial(echo, 'other.test'), none: await codeOf(fetch('http://other.test/')),
          lookup: await promisify(dns.lookup)('web.test'), all: await dns.promises.lookup('web.test', { all: true }), four: await dns.promises.resolve4('web.test'),
          six: await codeOf(dns.promises.resolve6('web.test')), text: await new dns.promises.Resolver().resolveTxt('text.test'), gone: await codeOf(dns.promises.resolve('gone.test')),
          inside: await codeOf(dns.promises.lookup('inside.test')), own: (await dns.promises.lookup('localhost', 4)).address,
          custom: await dial({ host: 'any.test', port: echo, lookup: (_, __, found) => found(null, '127.0.0.1', 4) }) }; }`,
      { echo: portOf(echo) },
    );
    assert.deepEqual(seen, {
      byName: 'connected',
      other: 'ENOTFOUND',
      none: 'ENOTFOUND',
      lookup: { address: '127.0.0.1', family: 4 },
      all: [{ address: '127.0.0.1', family: 4 }],
      four: ['127.0.0.1'],
      six: 'ENOTFOUND',
      text: [['some text']],
      gone: 'ENOTFOUND',
      inside: 'EACCES',
      own: '127.0.0.1',
      custom: 'connected',
    });
  });

  test('not the machine, its neighbours or what clouds keep for themselves, under any name or spelling', async () => {
    const own = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4');
    const seen = await value(
      `async function main({ hidden, own }) { const port = hidden;
        const refused = {}; for (const host of ['169.254.169.254', '10.0.0.1', '192.168.0.1', '::ffff:10.0.0.1', 'fd00:ec2::254', 'meta.test', 'inside.test', own]) refused[host] = await dial(80, host);
        const nobody = {}; for (const host of ['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::', '127.0.0.3', '::ffff:127.0.0.1']) nobody[host] = await dial(port, host);
        const odd = {}; for (const host of ['2130706433', '0x7f.1', '127.1', '017700000001']) odd[host] = await dial(port, host);
        return { refused, nobody, odd, port: await dial(9999, '1.1.1.1'), message: (await fetch('http://169.254.169.254/').catch((e) => e.cause)).message }; }`,
      { hidden: portOf(hidden), own: own?.address ?? '10.9.9.9' },
    );
    const all = (found: unknown): unknown[] => [...new Set(Object.values(found as object))];
    assert.deepEqual(all(seen['refused']), ['EACCES']);
    assert.deepEqual(all(seen['nobody']), ['ECONNREFUSED']);
    assert.ok(
      all(seen['odd']).every((code) => code !== 'connected'),
      JSON.stringify(seen['odd']),
    );
    assert.equal(seen['port'], 'EACCES');
    assert.match(String(seen['message']), /169\.254\.169\.254 is not a public address/);
    assert.equal(hiddenTouched, 0);
  });

  test('a name that turns inwards is refused: each connection goes to the address that was checked for it', async () => {
    const seen = await value(
      `const read = (host, port) => new Promise((done) => { let all = ''; net.connect(port, host).on('data', (c) => all += c).on('error', (e) => done(e.code)).on('close', () => done(all)); });
      async function main({ port }) { return { first: await read('turn.test', port), later: await read('turn.test', port), mixed: await read('mixed.test', port) }; }`,
      { port: portOf(second) },
    );
    assert.deepEqual(seen, { first: 'second', later: 'EACCES', mixed: 'second' });
    assert.equal(names.asked('turn.test'), 2);
  });

  test('loopback is the sandbox’s own where somebody listens there', async () => {
    const listen = `net.createServer((s) => s.end('own')).listen(port, '127.0.0.1'`;
    await withSandboxOf(driver, async (neighbour) => {
      await init(neighbour, `${tools} const main = ({ port }) => new Promise((done) => ${listen}, () => done({})))`);
      const { port } = { port: portOf(hidden) };
      answer(await run(neighbour, { port }));
      const seen = await value(
        `const read = (port) => new Promise((done) => net.connect(port).on('data', (c) => done(String(c))).on('error', (e) => done(e.code)));
        const main = async ({ port }) => { const before = await read(port); await new Promise((done) => ${listen}, done)); return { before, after: await read(port) }; }`,
        { port },
      );
      assert.deepEqual(seen, { before: 'ECONNREFUSED', after: 'own' });
    });
  });

  test('a large answer comes at the pace at which it is read; a large request arrives whole', async () => {
    const seen = await value(
      `async function main({ web }) { const url = 'http://127.0.0.1:' + web; const hash = require('crypto').createHash('sha256');
        const reader = (await fetch(url + '/big')).body.getReader(); hash.update((await reader.read()).value);
        const sent = async () => Number(await (await fetch(url + '/sent')).text());
        let held = await sent(); for (let same = 0; same < 5;) { await new Promise((y) => setTimeout(y, 50)); const now = await sent(); same = now === held ? same + 1 : 0; held = now; }
        for (let part = await reader.read(); !part.done; part = await reader.read()) hash.update(part.value);
        const body = Buffer.alloc(${16 * MiB}, 'abc');
        return { held, got: hash.digest('hex'), up: (await (await fetch(url, { method: 'POST', body })).text()).split(' ')[1], body: require('crypto').createHash('sha256').update(body).digest('hex') }; }`,
      { web: portOf(web) },
    );
    assert.ok(Number(seen['held']) < bigBytes / 2, `${String(seen['held'])} bytes were sent before anybody read them`);
    assert.equal(seen['got'], createHash('sha256').update(big).digest('hex'));
    assert.equal(seen['up'], seen['body']);
  });

  test('a connection may be closed in one direction', async () => {
    const seen = await value(
      `const main = ({ port }) => new Promise((done) => { let all = ''; const s = net.connect({ port, host: 'web.test', allowHalfOpen: true }).on('data', (c) => all += c).on('end', () => done({ all })); s.end('all is said'); })`,
      { port: portOf(echo) },
    );
    assert.deepEqual(seen, { all: 'all is said' });
  });

  test('connections at once are bounded, and free again when they close', async () => {
    const seen = await value(
      `const open = (port, n) => Promise.all(Array.from({ length: n }, () => new Promise((done) => { const s = net.connect(port, '127.0.0.1'); s.on('error', (e) => done(e.code)); s.on('connect', () => done(s)); })));
      async function main({ port }) { const all = await open(port, 205); const refused = all.filter((one) => typeof one === 'string'); for (const one of all) one.destroy?.();
        await new Promise((y) => setTimeout(y, 300)); const again = await open(port, 5); return { refused, again: again.filter((one) => typeof one === 'string') }; }`,
      { port: portOf(web) },
    );
    assert.deepEqual(seen, { refused: Array.from({ length: 5 }, () => 'EMFILE'), again: [] });
  });

  test('a sandbox that is killed takes its connections with it', async () => {
    const sandbox = await driver.create({ kind: 'nodejs:20', memoryMiB: 256 });
    await init(
      sandbox,
      `async function main({ web }) { const r = (await fetch('http://127.0.0.1:' + web + '/big')).body.getReader(); await r.read(); return new Promise(() => {}); }`,
    );
    streams.clear();
    const running = run(sandbox, { web: portOf(web) });
    await eventually('the stream has begun', () => streams.size === 1);
    const [stream] = streams;
    await sandbox.kill();
    await running;
    await eventually('the stream has ended', () => stream?.destroyed === true);
  });

  test('a sandbox has its own way out and no other', { skip: !asRoot }, async () => {
    await withSandboxOf(driver, async (neighbour) => {
      await init(neighbour, 'const main = () => ({})');
      const slots = join(spawner.dir, 'sandboxes/slots');
      const folders = readdirSync(slots).map((name) => statSync(join(slots, name)));
      assert.ok(folders.every(({ mode }) => (mode & 0o777) === 0o700));
      assert.equal(new Set(folders.map(({ uid }) => uid)).size, folders.length);
      assert.deepEqual(await value(`const main = () => ({ slot: require('fs').readdirSync('/s').sort() })`), { slot: ['e'] });
    });
  });

  test('a gateway that dies is followed by another, without privileges, and sandboxes go on', async () => {
    await withSandboxOf(driver, async (sandbox) => {
      await init(sandbox, `${tools} const main = async ({ port }) => ({ seen: await dial(port, '127.0.0.1') })`);
      const [pid] = gateways();
      assert.ok(pid !== undefined);
      if (asRoot) assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\s+65534\s+65534/m);
      process.kill(pid, 'SIGKILL');
      await eventually('another gateway', () => gateways().some((other) => other !== pid));
      let seen: unknown;
      for (let tries = 0; tries < 100 && seen !== 'connected'; tries += 1) seen = answer(await run(sandbox, { port: portOf(web) }))['seen'];
      assert.equal(seen, 'connected');
    });
  });

  test('Python: sockets, http, https, asyncio and names; the same is refused', async (t) => {
    if (!driver.info().kinds.includes('python:3')) return t.skip('no Python here');
    const code = `
import asyncio, errno, http.client, os, socket, ssl, urllib.request
def dial(host, port):
    try:
        with socket.create_connection((host, port), timeout=5): return 'connected'
    except OSError as e: return errno.errorcode.get(e.errno, str(e.errno)) if not isinstance(e, socket.gaierror) else 'name'
async def later(port):
    reader, writer = await asyncio.open_connection('web.test', port)
    writer.write(b'all is said'); writer.write_eof()
    said = await reader.read(); writer.close()
    return said.decode()
def main(a):
    server = socket.create_server(('127.0.0.1', 0)); own = dial('127.0.0.1', server.getsockname()[1])
    secure = ssl.create_default_context(cadata=a['ca'])
    return {'http': urllib.request.urlopen('http://127.0.0.1:%d/' % a['web']).read().decode().split()[0],
        'https': urllib.request.urlopen('https://127.0.0.1:%d/' % a['secure'], context=secure).read().decode().split()[0],
        'later': asyncio.run(later(a['echo'])), 'own': own, 'four': socket.gethostbyname_ex('localhost')[2], 'found': socket.getaddrinfo('web.test', 80, type=socket.SOCK_STREAM)[0][4][0],
        'refused': [dial(host, 80) for host in ('169.254.169.254', '10.0.0.1', 'meta.test', '::ffff:10.0.0.1')], 'port': dial('1.1.1.1', 9999),
        'nobody': [dial(host, a['hidden']) for host in ('127.0.0.1', 'localhost', '0.0.0.0')], 'gone': dial('gone.test', 80)}
`;
    const sandbox = await driver.create({ kind: 'python:3', memoryMiB: 256 });
    try {
      assert.deepEqual((await init(sandbox, code)).outcome, { kind: 'ok' });
      const ports = { web: portOf(web), secure: portOf(secure), echo: portOf(echo), hidden: portOf(hidden), ca };
      assert.deepEqual(answer(await run(sandbox, ports)), {
        http: `127.0.0.1:${portOf(web)}`,
        https: 'secure',
        later: 'all is said',
        own: 'connected',
        four: ['127.0.0.1'],
        found: '127.0.0.1',
        refused: ['EACCES', 'EACCES', 'EACCES', 'EACCES'],
        port: 'EACCES',
        nobody: ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED'],
        gone: 'name',
      });
      assert.equal(hiddenTouched, 0);
    } finally {
      await sandbox.kill();
    }
  });

  test('what actions patch does not get in the way', async () => {
    const seen = await value(
      `async function main({ port }) { net.createServer = require('fs').readFileSync = require('http').request = () => { throw new Error('patched'); };
        return { seen: await dial(port, '127.0.0.1'), got: (await fetch('http://127.0.0.1:' + port + '/')).status, name: (await dns.promises.lookup('web.test')).address }; }`,
      { port: portOf(web) },
    );
    assert.deepEqual(seen, { seen: 'connected', got: 200, name: '127.0.0.1' });
  });

  test('where nothing may be reached no name is asked for either', async () => {
    const mine = await spawner.connect({ ...options(), rules: { mode: 'none', ports: [], allow: [`127.0.0.1:${portOf(web)}`] } });
    const before = names.asked('web.test');
    try {
      const code = `${tools} const main = async ({ port }) => ({ listed: await dial(port, '127.0.0.1'), open: await dial(443, '1.1.1.1'), name: await dial(443, 'web.test'),
        lookup: await codeOf(dns.promises.lookup('secret.web.test')), text: await codeOf(dns.promises.resolveTxt('text.test')) })`;
      const seen = answer(await runOnceOn(mine, code, { port: portOf(web) }));
      assert.deepEqual(seen, { listed: 'connected', open: 'EACCES', name: 'EACCES', lookup: 'EACCES', text: 'EACCES' });
      assert.equal(names.asked('web.test'), before);
    } finally {
      await mine.close();
    }
  });
});

async function listening<S extends Server>(server: S, host = '127.0.0.1', port = 0): Promise<S> {
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Gateways that this process started. */
function gateways(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('egress/main.js');
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** As much of the protocol as a client needs that sets, gets and quits. */
function serveRedis(socket: Socket, store: Map<string, string>): void {
  let text = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (let command = /^\*(\d+)\r\n/.exec(text); command; command = /^\*(\d+)\r\n/.exec(text)) {
      const words = text.slice(command[0].length).split('\r\n');
      const count = Number(command[1]);
      if (words.length <= 2 * count) return;
      text = words.slice(2 * count).join('\r\n');
      const [name = '', key = '', given = ''] = words.slice(0, 2 * count).filter((_, at) => at % 2 === 1);
      const found = name.toLowerCase() === 'info' ? 'redis_version:7.0.0\r\nloading:0' : store.get(key);
      if (name.toLowerCase() === 'set') store.set(key, given);
      if (['set', 'quit'].includes(name.toLowerCase())) socket.write('+OK\r\n');
      else socket.write(found === undefined ? '$-1\r\n' : `$${found.length}\r\n${found}\r\n`);
      if (name.toLowerCase() === 'quit') socket.end();
    }
  });
}
