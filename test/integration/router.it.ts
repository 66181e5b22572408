/** The router against plain HTTP servers that stand where regions would: choice of region, streaming, failover. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { suite, test } from 'node:test';
import { Client } from 'undici';
import { readAll, type Behaviour } from '../support/region-server.js';
import { adminToken, echo, echoOf, errorOf, from, servedBy, tokyo, useRouterWorld, type Echo } from '../support/router-world.js';

const world = useRouterWorld();
const { us, eu, ap, all } = world;
const call = world.call.bind(world);
const untilReady = world.untilReady.bind(world);

const addresses = {
  'ap-northeast-1': ['13.112.0.1', '139.162.65.37'],
  'eu-west-1': ['139.162.130.1', '46.101.100.1'],
  'us-east-1': ['18.214.77.1', '216.40.89.1'],
} as const;

suite('choice of region', { timeout: 120_000 }, () => {
  test('callers in Tokyo, Frankfurt and Virginia reach their region', async () => {
    for (const [region, samples] of Object.entries(addresses)) {
      for (const address of samples) assert.equal(servedBy(await call('/ping', { headers: from(address) })), region, address);
    }
  });

  test('an unknown place, a private address and a country alone go to the default region', async () => {
    for (const address of ['8.8.8.8', '10.0.0.1', '100.64.0.1', 'fd00::1', 'fe80::1%eth0', 'unknown', '', '1.2.3.4.5', '2001:db8::1']) {
      assert.equal(servedBy(await call('/ping', { headers: from(address) })), 'us-east-1', address);
    }
  });

  test('an address in any dress routes alike', async () => {
    for (const address of ['::ffff:13.112.0.1', '::ffff:0d70:0001', '13.112.0.1:5123', '[::ffff:13.112.0.1]:443', '8.8.8.8, 13.112.0.1']) {
      assert.equal(servedBy(await call('/ping', { headers: from(address) })), 'ap-northeast-1', address);
    }
  });

  test('a pin is honoured, an unknown one ignored', async () => {
    assert.equal(servedBy(await call('/ping', { headers: { ...tokyo, 'x-isochrone-pin': 'eu-west-1' } })), 'eu-west-1');
    assert.equal(servedBy(await call('/ping', { headers: { ...tokyo, 'x-isochrone-pin': 'mars-1' } })), 'ap-northeast-1');
  });

  test('an activation is read where it lives, and the 404 of its region is passed on', async () => {
    const path = `/api/v1/namespaces/_/activations/02${'0'.repeat(30)}/logs`;
    assert.equal(servedBy(await call(path, { headers: tokyo })), 'eu-west-1');
    eu.behave = (_req, res) => void res.writeHead(404).end('{"error":"x","code":"y"}');
    assert.equal((await call(path, { headers: tokyo })).status, 404);
    const stranger = `/api/v1/namespaces/_/activations/77${'0'.repeat(30)}`;
    assert.equal(servedBy(await call(stranger, { headers: tokyo })), 'ap-northeast-1');
  });
});

suite('what operators ask of a controller', { timeout: 120_000 }, () => {
  test('is passed on where that is enabled, by default in a local world alone', async () => {
    const paths = ['/invokers', '/invokers/ready', '/%69nvokers', '/activation/count?a', '/disable'];
    for (const path of paths) assert.equal(echoOf(await call(path)).url, path);
    const hosted = await world.startRouter('cluster');
    try {
      for (const path of paths) {
        const refused = await fetch(`http://127.0.0.1:${hosted.port}${path}`);
        assert.equal(refused.status, 405, path);
        assert.match(await refused.text(), /HTTP method not allowed, supported methods: OPTIONS/);
      }
      assert.equal((await fetch(`http://127.0.0.1:${hosted.port}/ping`)).status, 200);
    } finally {
      await hosted.stop();
    }
  });
});

suite('what a region gets', { timeout: 120_000 }, () => {
  test('path, query, method, host and body arrive as they were sent', async () => {
    const got = echoOf(
      await call('/api/v1/web/a%2Fb/c?x=%20y&x', {
        method: 'POST',
        headers: { host: 'api.example', 'content-type': 'text/x' },
        body: 'hé',
      }),
    );
    assert.equal(got.url, '/api/v1/web/a%2Fb/c?x=%20y&x');
    assert.equal(got.headers['host'], 'api.example');
    assert.equal(got.headers['x-forwarded-host'], 'api.example');
    assert.equal(got.headers['x-forwarded-proto'], 'http');
    assert.equal(Buffer.from(got.body, 'latin1').toString(), 'hé');
  });

  test('the verified chain of addresses replaces what the caller claims', async () => {
    const got = echoOf(await call('/', { headers: from('8.8.8.8, 203.0.113.9') }));
    assert.equal(got.headers['x-forwarded-for'], '203.0.113.9, 127.0.0.1');
  });

  test('router and region agree on the transaction id', async () => {
    const made = await call('/');
    assert.match(String(made.headers['x-request-id']), /^[A-Za-z0-9]{32}$/);
    assert.equal(echoOf(made).headers['x-request-id'], made.headers['x-request-id']);
    assert.equal(echoOf(await call('/', { headers: { 'x-request-id': 'mine' } })).headers['x-request-id'], 'mine');
    assert.doesNotMatch(String(echoOf(await call('/', { headers: { 'x-request-id': 'sid_x' } })).headers['x-request-id']), /^sid_/);
  });

  test('a long URI is left to the region', async () => {
    assert.equal(echoOf(await call(`/${'a'.repeat(9000)}`)).url.length, 9001);
  });

  test('addresses are not believed from an unlisted peer', async () => {
    const strict = await world.startRouter('cluster');
    const direct = new Client(`http://127.0.0.1:${strict.port}`);
    const headers = { ...tokyo, forwarded: 'for=13.112.0.1', 'x-real-ip': '13.112.0.1', 'cf-connecting-ip': '13.112.0.1' };
    const answer = await direct.request({ path: '/', method: 'GET', headers });
    const got = (await answer.body.json()) as Echo;
    assert.equal(answer.headers['x-isochrone-region'], 'us-east-1');
    assert.equal(got.headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(got.headers['forwarded'], undefined);
    await direct.destroy();
    await strict.stop();
  });
});

suite('streaming', { timeout: 120_000 }, () => {
  test('a large body goes there and back unchanged, held back by the slower side', async () => {
    ap.behave = (req, res) => void req.pipe(res);
    const size = 24 * 1024 * 1024;
    const block = randomBytes(1024 * 1024);
    const sent = createHash('sha256');
    const source = Readable.from(
      (function* () {
        for (let done = 0; done < size; done += block.length) {
          sent.update(block);
          yield block;
        }
      })(),
    );
    const answer = await world.client.request({ path: '/', method: 'POST', headers: tokyo, body: source });
    const received = createHash('sha256');
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      received.update(chunk);
      bytes += chunk.length;
    }
    assert.equal(bytes, size);
    assert.equal(received.digest('hex'), sent.digest('hex'));
  });

  test('an answer that nobody reads is held back in the region', async () => {
    let written = 0;
    ap.behave = async (_req, res) => {
      const chunk = Buffer.alloc(256 * 1024);
      while (written < 256 * chunk.length) {
        written += chunk.length;
        if (!res.write(chunk)) await once(res, 'drain');
      }
      res.end();
    };
    const answer = await world.client.request({ path: '/', method: 'GET', headers: tokyo });
    for (let before = -1; before !== written;) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(written < 32 * 1024 * 1024, `${written} bytes were taken before anybody read`);
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) bytes += chunk.length;
    assert.equal(bytes, 64 * 1024 * 1024);
  });

  test('the first byte of a streamed answer comes before its last is made', async () => {
    let finish = (): void => undefined;
    ap.behave = (_req, res) => {
      res.writeHead(200).flushHeaders();
      finish = () => void res.end('end');
    };
    const answer = await world.client.request({ path: '/', method: 'GET', headers: tokyo });
    assert.equal(answer.statusCode, 200);
    finish();
    assert.equal(await answer.body.text(), 'end');
  });

  test('an early answer to an unfinished upload reaches the caller', async () => {
    const words = 'too large '.repeat(400_000);
    ap.behave = (_req, res) => void res.writeHead(413, { connection: 'close' }).end(words);
    const req = httpRequest({ port: world.port, method: 'POST', headers: { ...tokyo, 'transfer-encoding': 'chunked' }, agent: false });
    req.on('error', () => undefined);
    req.write(Buffer.alloc(100_000));
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    assert.equal(res.statusCode, 413);
    assert.equal((await readAll(res)).length, words.length);
    req.destroy();
  });

  test('the region hears that a caller left', async () => {
    const left = new Promise<void>((resolve) => {
      ap.behave = (_req, res) => void res.on('close', resolve);
    });
    const controller = new AbortController();
    const pending = world.client.request({ path: '/', method: 'GET', headers: tokyo, signal: controller.signal });
    while (ap.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    await assert.rejects(pending);
    await left;
    assert.equal(us.seen.length + eu.seen.length, 0);
  });
});

suite('failover', { timeout: 120_000 }, () => {
  test('a POST whose region refuses the connection goes on with its body whole, and readiness tells', async () => {
    await ap.kill();
    const body = 'x'.repeat(300_000);
    for (const headers of [tokyo, { ...tokyo, 'transfer-encoding': 'chunked' }]) {
      const got = await call('/api/v1/namespaces/_/actions/a', {
        method: 'POST',
        headers: tokyo,
        body: headers === tokyo ? body : Readable.from([body]),
      });
      assert.equal(servedBy(got), 'eu-west-1');
      assert.equal(echoOf(got).body, body);
    }
    const { status, text } = await call('/health/ready');
    assert.equal(status, 503);
    const { ready, regions } = JSON.parse(text) as { ready: boolean; regions: Record<string, { ready: boolean; because?: string }> };
    assert.equal(ready, false);
    assert.equal(regions['eu-west-1']?.ready, true);
    assert.match(regions['ap-northeast-1']?.because ?? '', /^refused/);
  });

  test('why tells which region was passed over, and how the tries went', async () => {
    await ap.start();
    await untilReady(200);
    await ap.kill();
    await call('/ping', { headers: { ...tokyo, 'x-request-id': 'moved' } });
    const admin = { authorization: `Bearer ${adminToken}` };
    const { router } = JSON.parse((await call('/isochrone/v1/why/moved', { headers: admin })).text) as {
      router: { because: { kind: string; region: string; passedOver: string[] }; attempts: { region: string; outcome: string }[] }[];
    };
    assert.equal(router[0]?.because.region, 'eu-west-1');
    assert.deepEqual(router[0]?.because.passedOver, ['ap-northeast-1']);
    const tries = router[0]?.attempts.map(({ region, outcome }) => [region, outcome]);
    assert.deepEqual(tries?.at(-1), ['eu-west-1', 'answered']);
  });

  test('an activation whose region is unreachable is a 504 that names the region', async () => {
    const got = await call(`/api/v1/namespaces/_/activations/03${'0'.repeat(30)}`, { headers: { 'x-request-id': 'why-not' } });
    assert.equal(got.status, 504);
    assert.deepEqual(errorOf(got), { error: 'The activation lives in ap-northeast-1, which is unreachable.', code: 'why-not' });
    assert.equal(servedBy(got), 'none');
    assert.equal(got.headers['x-isochrone-fault'], 'region-unreachable');
  });

  test('the region serves again after a good probe', async () => {
    await ap.start();
    await untilReady(200);
    assert.equal(servedBy(await call('/', { headers: tokyo })), 'ap-northeast-1');
  });

  const die: Behaviour = (req) => {
    req.resume().on('end', () => req.socket.resetAndDestroy());
  };

  test('a POST whose region dies while it handles it is not repeated, and the answer says so', async () => {
    ap.behave = die;
    const got = await call('/api/v1/namespaces/_/actions/a?blocking=true', { method: 'POST', headers: tokyo, body: '{}' });
    assert.equal(got.status, 502);
    const { error, code } = errorOf(got);
    assert.equal(error, 'Region ap-northeast-1 stopped answering while it handled the request. It may have run; it was not repeated.');
    assert.equal(code, got.headers['x-request-id']);
    assert.equal(got.headers['x-isochrone-fault'], 'region-lost');
    assert.equal(servedBy(got), 'ap-northeast-1');
    assert.equal(us.seen.length + eu.seen.length, 0);
  });

  test('a web GET that died on its way is not repeated, a GET of an entity is', async () => {
    ap.behave = die;
    assert.equal((await call('/api/v1/web/guest/default/a', { headers: tokyo })).status, 502);
    const got = await call('/api/v1/namespaces/_/actions/a', { headers: tokyo });
    assert.equal(got.status, 200);
    assert.equal(servedBy(got), 'eu-west-1');
    await untilReady(200);
  });

  test('an answer that breaks off is cut, never finished', async () => {
    ap.behave = (req, res) => {
      res.writeHead(200).write('half');
      setImmediate(() => req.socket.resetAndDestroy());
    };
    await assert.rejects(call('/api/v1/namespaces/_/actions/a', { headers: tokyo }));
    assert.equal(us.seen.length + eu.seen.length, 0);
    await untilReady(200);
  });

  test('three confessed faults take a region out until its next good probe, a 502 does not', async () => {
    ap.behave = (_req, res) => void res.writeHead(502).end();
    for (let i = 0; i < 5; i += 1) assert.equal(servedBy(await call('/', { headers: tokyo })), 'ap-northeast-1');
    ap.ready = false;
    await untilReady(503);
    assert.notEqual(servedBy(await call('/', { headers: tokyo })), 'ap-northeast-1');
    ap.ready = true;
    await untilReady(200);
    ap.behave = (_req, res) => void res.writeHead(503, { 'x-isochrone-fault': 'queue' }).end();
    const served: unknown[] = [];
    for (let i = 0; i < 12 && !served.includes('eu-west-1'); i += 1) served.push(servedBy(await call('/', { headers: tokyo })));
    assert.ok(served.filter((id) => id === 'ap-northeast-1').length >= 3);
    assert.ok(served.includes('eu-west-1'));
    ap.behave = echo;
    await untilReady(200);
  });

  test('with no healthy region the answer is 503 with Retry-After', async () => {
    await Promise.all(all.map((region) => region.kill()));
    const got = await call('/ping', { method: 'POST', body: 'x' });
    assert.equal(got.status, 503);
    assert.equal(got.headers['retry-after'], '1');
    assert.equal(servedBy(got), 'none');
    assert.equal(errorOf(got).code, got.headers['x-request-id']);
    await Promise.all(all.map((region) => region.start()));
    await untilReady(200);
  });
});
