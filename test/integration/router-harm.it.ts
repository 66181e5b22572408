/** What a caller or an action can do must not take a region from everybody else. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sendRaw } from '../support/raw-http.js';
import { servedBy, tokyo, useRouterWorld } from '../support/router-world.js';

const world = useRouterWorld();
const { ap } = world;
const call = world.call.bind(world);

/** Does harm several times over, then asks as somebody else: Tokyo is still served at home. */
async function harmless(harm: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < 6; i += 1) await harm().catch(() => undefined);
  for (let i = 0; i < 5; i += 1) {
    const got = await call('/api/v1/namespaces', { headers: tokyo });
    assert.deepEqual([got.status, servedBy(got)], [200, 'ap-northeast-1']);
  }
}

const evilOnly = (evil: (typeof ap)['behave']): (typeof ap)['behave'] => {
  const honest = ap.behave;
  return (req, res) => (req.url === '/evil' ? evil(req, res) : honest(req, res));
};

suite('a region stays in service', { timeout: 120_000 }, () => {
  test('though an action answers 304 with a length', async () => {
    ap.behave = evilOnly((_req, res) => void res.writeHead(304, { 'content-length': '3' }).end());
    await harmless(() => call('/evil', { headers: tokyo }));
  });

  test('though an action answers with more headers than anybody reads', async () => {
    ap.behave = evilOnly((_req, res) => void res.writeHead(200, { 'x-big': 'x'.repeat(200_000) }).end());
    await harmless(() => call('/evil', { headers: tokyo }));
  });

  test('though it breaks off in the middle of one request after another', async () => {
    ap.behave = evilOnly((req) => void req.socket.destroy());
    await harmless(() => call('/evil', { method: 'POST', headers: tokyo, body: 'x' }));
  });

  test('though it confesses a fault of one request or one namespace', async () => {
    ap.behave = evilOnly((_req, res) => void res.writeHead(500, { 'x-isochrone-fault': 'internal' }).end());
    await harmless(() => call('/evil', { headers: tokyo }));
  });
});

suite('a body that no region takes', { timeout: 120_000 }, () => {
  test('is refused by its announced length, and no region is asked', async () => {
    const text = await sendRaw(
      world.port,
      'PUT /x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 13.112.0.1\r\nContent-Length: 52428801\r\n\r\nbegin',
    );
    assert.match(text, /^HTTP\/1\.1 400 [\s\S]*content-type: text\/plain; charset=UTF-8[\s\S]*Request too large$/i);
    assert.equal(ap.seen.length, 0);
  });
});

suite('what cannot be read', { timeout: 120_000 }, () => {
  test('is answered in plain words, and an unknown method as one that is not supported', async () => {
    assert.match(
      await sendRaw(world.port, 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n'),
      /^HTTP\/1\.1 501 [\s\S]*X-Isochrone-Region: none[\s\S]*Unsupported HTTP method$/,
    );
    assert.match(
      await sendRaw(world.port, 'GET / HTTP/1.1\r\nHost: x\r\nX-A : 1\r\n\r\n'),
      /^HTTP\/1\.1 400 [\s\S]*The request could not be read$/,
    );
  });
});
