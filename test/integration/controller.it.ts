/** The controller with a whole region behind it: what no recorded answer of OpenWhisk covers. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask as send, type Ask, type Reply } from '../support/client.js';
import { adminToken, ControllerRig, wellKnown } from '../support/controller-rig.js';
import { open, sendAndReset, sendRaw } from '../support/raw-http.js';

const action = (name: string): string => `/api/v1/namespaces/_/actions/${name}`;
const web = (name: string): string => `/api/v1/web/guest/default/${name}`;
const echo = 'function main(args) { return args; }';
const webExport = { annotations: [{ key: 'web-export', value: true }] };
const operator = { key: null, headers: { authorization: `Bearer ${adminToken}` } } as const;

describe('a controller with a region behind it', { timeout: 300_000 }, () => {
  let rig: ControllerRig;
  before(async () => {
    rig = await ControllerRig.start('seed');
  });
  after(() => rig?.stop());

  const ask = (method: string, path: string, more: Ask = {}): Promise<Reply> =>
    send(rig.base, method, path, { key: wellKnown.guest, ...more });
  const deploy = async (name: string, code = echo, more: object = {}): Promise<Reply> => {
    const reply = await ask('PUT', `${action(name)}?overwrite=true`, { body: { exec: { kind: 'nodejs:20', code }, ...more } });
    assert.equal(reply.status, 200, reply.text);
    return reply;
  };
  const invoke = (name: string, body: object = {}): Promise<Reply> => ask('POST', `${action(name)}?blocking=true&result=true`, { body });
  const record = async (id: string): Promise<Reply> => {
    for (let tries = 0; tries < 100; tries += 1) {
      const reply = await ask('GET', `/api/v1/namespaces/_/activations/${id}`);
      if (reply.status === 200) return reply;
      await delay(100);
    }
    throw new Error(`no record of ${id}`);
  };

  test('every answer names the region and its transaction, and a write its token', async () => {
    const reply = await deploy('named');
    assert.equal(reply.headers.get('x-isochrone-region'), 'eu-west-1');
    assert.match(reply.headers.get('x-request-id') ?? '', /^[A-Za-z0-9]{32}$/);
    assert.ok(reply.headers.get('x-isochrone-token'));
    assert.equal(reply.headers.get('content-type'), 'application/json');
  });

  test('the API tells when it was built, as a date', async () => {
    const { build, buildno } = (await ask('GET', '/api/v1', { key: null })).json<{ build: string; buildno: string }>();
    assert.match(build, /^20\d\d-\d\d-\d\dT/);
    assert.match(buildno, /^\d+\.\d+\.\d+$/);
  });

  test('text survives every door, characters outside the plane and a NUL too', async () => {
    const value = { s: '日本語 é 👩‍👩‍👧 \u2028', nul: 'x\u0000y', '\u0000k': 1, pad: `${'x'.repeat(65_530)}日本` };
    await deploy('text', 'function main(args) { console.log(args.s); return { ...args }; }', {
      parameters: [{ key: 'given', value: 'é\u0000☃' }],
      annotations: [{ key: 'note', value: '☃\u0000' }, ...webExport.annotations],
    });
    assert.deepEqual((await invoke('text', value)).json(), { ...value, given: 'é\u0000☃' });
    const shown = (await ask('GET', action('text'))).json<{ parameters: unknown; annotations: unknown[] }>();
    assert.deepEqual(shown.parameters, [{ key: 'given', value: 'é\u0000☃' }]);
    const full = await ask('POST', `${action('text')}?blocking=true`, { body: value });
    const { activationId } = full.json<{ activationId: string }>();
    const kept = (await record(activationId)).json<{ response: { result: unknown }; logs: string[] }>();
    assert.deepEqual(kept.response.result, { ...value, given: 'é\u0000☃' });
    assert.ok(kept.logs[0]?.includes('日本語 é 👩‍👩‍👧'));
    const viaWeb = await ask('POST', `${web('text')}.json`, { key: null, body: { s: value.s } });
    assert.equal(viaWeb.json<{ s: string }>().s, value.s);
    assert.equal(Number(viaWeb.headers.get('content-length')), Buffer.byteLength(viaWeb.text));
  });

  test('numbers keep their spelling in parameters and on their way to the action', async () => {
    const body =
      '{"exec":{"kind":"nodejs:20","code":"x"},"parameters":[{"key":"n","value":1.0},{"key":"big","value":12345678901234567890}]}';
    const headers = { authorization: `Basic ${Buffer.from(wellKnown.guest).toString('base64')}`, 'content-type': 'application/json' };
    const put = await fetch(`${rig.base}${action('exact')}`, { method: 'PUT', headers, body });
    assert.match(await put.text(), /"value":1\.0\}.*"value":12345678901234567890\}/);
    assert.match((await ask('GET', action('exact'))).text, /"value":1\.0\}.*"value":12345678901234567890\}/);
  });

  test('a name with a NUL, an encoded slash or a double encoding is refused', async () => {
    for (const name of ['a%00', 'a%2Fb', 'a%252Fb']) assert.equal((await ask('GET', action(name))).status, 400, name);
    assert.equal((await ask('GET', `${web('text')}.json?q=%00`, { key: null })).status, 200);
  });

  test('an action that is deleted and created again never runs its old code', async () => {
    for (let round = 0; round < 5; round += 1) {
      await ask('DELETE', action('again'));
      await deploy('again', `function main() { return { round: ${round} }; }`);
      for (let call = 0; call < 3; call += 1) assert.deepEqual((await invoke('again')).json(), { round });
    }
  });

  test('preflight of a protected web action needs no secret, its answers carry CORS headers once', async () => {
    const secret = [...webExport.annotations, { key: 'require-whisk-auth', value: 's3cret' }];
    await deploy('protected', echo, { annotations: secret });
    const asked = { origin: 'http://a.example', 'access-control-request-headers': 'x-a, x-require-whisk-auth' };
    const preflight = await ask('OPTIONS', web('protected'), { key: null, headers: asked });
    assert.deepEqual([preflight.status, preflight.text], [200, '']);
    assert.equal(preflight.headers.get('access-control-allow-headers'), 'x-a, x-require-whisk-auth');
    assert.equal(preflight.headers.get('x-openwhisk-activation-id'), null);
    const without = await ask('GET', `${web('protected')}.json`, { key: null });
    const withIt = await ask('GET', `${web('protected')}.json`, { key: null, headers: { 'x-require-whisk-auth': 's3cret' } });
    assert.deepEqual([without.status, withIt.status], [401, 200]);
    for (const reply of [without, withIt]) assert.equal(reply.headers.get('access-control-allow-origin'), '*');
    const code = 'function main(a) { return { headers: { "x-m": a.__ow_method }, body: "mine" }; }';
    await deploy('custom', code, { annotations: [...secret, { key: 'web-custom-options', value: true }] });
    const custom = await ask('OPTIONS', web('custom'), { key: null });
    assert.deepEqual([custom.status, custom.text, custom.headers.get('x-m')], [200, 'mine', 'options']);
    assert.equal(custom.headers.get('access-control-allow-origin'), null);
  });

  test('headers of the platform cannot be forged by user code, headers that cannot be sent are refused', async () => {
    const code = `function main({ h }) { return { headers: { 'X-Isochrone-Fault': 'x', 'X-Isochrone-Region': 'y', 'x-mine': 'z', ...h }, body: 'b' }; }`;
    await deploy('forge', code, webExport);
    const reply = await ask('GET', web('forge'), { key: null });
    assert.deepEqual(
      ['x-isochrone-fault', 'x-isochrone-region', 'x-mine'].map((name) => reply.headers.get(name)),
      [null, 'eu-west-1', 'z'],
    );
    const split = await ask('POST', web('forge'), { key: null, body: { h: { a: 'b\r\nc: d' } } });
    assert.equal(split.status, 400);
  });

  test('a call that outlasts its wait goes on, and is pending until its record is there', async () => {
    await deploy('slow', 'function main(a) { return new Promise((done) => setTimeout(() => done({ slept: a.ms }), a.ms)); }');
    const over = await ask('POST', `${action('slow')}?blocking=true&timeout=100`, { body: { ms: 2000 } });
    assert.equal(over.status, 504);
    const { activationId } = over.json<{ activationId: string }>();
    assert.equal(over.headers.get('x-openwhisk-activation-id'), activationId);
    const pending = await ask('GET', `/api/v1/namespaces/_/activations/${activationId}`);
    assert.deepEqual([pending.status, pending.headers.get('x-isochrone-state')], [404, 'pending']);
    assert.deepEqual((await record(activationId)).json<{ response: { result: unknown } }>().response.result, { slept: 2000 });
  });

  test('a caller that leaves does not end its call', async () => {
    await deploy('left', 'function main() { return new Promise((done) => setTimeout(() => done({ left: true }), 700)); }');
    await assert.rejects(ask('POST', `${action('left')}?blocking=true`, { body: {}, timeoutMs: 300 }));
    for (let tries = 0; tries < 100; tries += 1) {
      const list = (await ask('GET', '/api/v1/namespaces/_/activations?name=left')).json<unknown[]>();
      if (list.length === 1) return;
      await delay(100);
    }
    assert.fail('the call left no record');
  });

  test('code that is stored twice is stored once, and another namespace cannot read it', async () => {
    await deploy('one');
    await deploy('two');
    assert.equal((await ask('GET', '/api/v1/namespaces/guest/actions/one', { key: wellKnown.other })).status, 403);
    assert.equal((await ask('GET', action('two'))).json<{ exec: { code: string } }>().exec.code, echo);
  });

  test('upgrades and broken requests are refused in words, and resets hurt nobody', async () => {
    const upgrade = `GET /api/v1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    assert.match(await sendRaw(rig.port, upgrade), /^HTTP\/1\.1 501 /);
    assert.match(
      await sendRaw(rig.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n'),
      /^HTTP\/1\.1 200 /,
    );
    for (let i = 0; i < 50; i += 1) await sendAndReset(rig.port, upgrade, i % 2 === 0 ? 'before-answer' : 'after-answer');
    assert.match(await sendRaw(rig.port, 'NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 501 /);
    assert.match(await sendRaw(rig.port, 'PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 501 [^]*Unsupported HTTP method$/);
    assert.match(await sendRaw(rig.port, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(9000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
    const both = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    assert.match(await sendRaw(rig.port, both), /^HTTP\/1\.1 400 /);
    const large = `POST ${action('one')} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${Buffer.from(wellKnown.guest).toString('base64')}\r\n`;
    const answer = await sendRaw(rig.port, `${large}Content-Length: ${60 * 1024 * 1024}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 400 [^]*Request too large$/);
    assert.doesNotMatch(answer, /x-request-id/i);
    assert.equal((await ask('GET', '/ping', { key: null })).text, 'pong');
  });

  test('a merged message that is too large gets no id', async () => {
    await deploy('large', echo, { parameters: [{ key: 'p', value: 'x'.repeat(900_000) }] });
    const reply = await ask('POST', action('large'), { body: { q: 'y'.repeat(900_000) } });
    assert.deepEqual([reply.status, reply.headers.get('x-openwhisk-activation-id')], [413, null]);
  });

  test('an action that is entitled to it gets the key of who invokes it', async () => {
    const annotations = [...webExport.annotations, { key: 'provide-api-key', value: true }];
    await deploy('keyed', 'function main() { return { key: process.env.__OW_API_KEY }; }', { annotations });
    assert.deepEqual((await invoke('keyed')).json(), { key: wellKnown.guest });
    assert.equal((await ask('GET', `${web('keyed')}.json`, { key: null })).json<{ key: string }>().key, wellKnown.guest);
  });

  test('operators create, list and delete subjects, and ask why', async () => {
    const created = await ask('POST', '/isochrone/v1/subjects', { ...operator, body: { name: 'ann' } });
    assert.equal(created.status, 201);
    const { authKey } = created.json<{ authKey: string }>();
    assert.match(authKey, /^[0-9a-f-]{36}:[A-Za-z0-9]{64}$/);
    assert.deepEqual((await ask('GET', '/api/v1/namespaces', { key: authKey })).json(), ['ann']);
    assert.equal((await ask('POST', '/isochrone/v1/subjects', { ...operator, body: { name: 'ann' } })).status, 409);
    for (const body of [{ name: '!' }, {}, []])
      assert.equal((await ask('POST', '/isochrone/v1/subjects', { ...operator, body })).status, 400);
    const { subjects } = (await ask('GET', '/isochrone/v1/subjects', operator)).json<{ subjects: { name: string }[] }>();
    assert.deepEqual(
      subjects.map(({ name }) => name),
      ['ann', 'guest', 'other', 'whisk.system'],
    );
    assert.equal((await ask('DELETE', '/isochrone/v1/subjects/ann', operator)).status, 200);
    assert.equal((await ask('GET', '/api/v1/namespaces', { key: authKey })).status, 401);
    assert.equal((await ask('GET', '/isochrone/v1/subjects', { key: null })).status, 401);
    assert.equal((await ask('GET', '/isochrone/v1/subjects')).status, 401);

    await deploy('why');
    const call = await ask('POST', `${action('why')}?blocking=true`, { body: {}, headers: { 'x-request-id': 'asked-by-a-test' } });
    await record(call.json<{ activationId: string }>().activationId);
    const why = (await ask('GET', '/isochrone/v1/why/asked-by-a-test', operator)).json<{ activations: Record<string, unknown>[] }>();
    assert.equal(why.activations.length, 1);
    assert.equal(why.activations[0]?.['action'], 'why');
    assert.equal(why.activations[0]?.['region'], 'eu-west-1');
  });

  test('while Postgres is away invocations are refused as our own fault; afterwards they are taken again', async () => {
    await deploy('outage');
    await invoke('outage');
    const crash = rig.postgres.crash(2000);
    await delay(300);
    const away = await ask('POST', action('outage'), { body: {} });
    assert.equal(away.status, 503);
    assert.ok(away.headers.get('x-isochrone-fault'));
    assert.equal(away.headers.get('x-openwhisk-activation-id'), null);
    await crash;
    await rig.ready();
    assert.equal((await invoke('outage')).status, 200);
  });

  test('at the end readiness turns red first, calls in flight finish, connections are closed, and the process exits with 0', async () => {
    await deploy('last', 'function main() { return new Promise((done) => setTimeout(() => done({ last: true }), 1500)); }');
    const idle = await open(rig.port);
    const calls = Array.from({ length: 5 }, () => invoke('last'));
    await delay(500);
    const ended = rig.stopController();
    await delay(200);
    const ready = await ask('GET', '/health/ready', { key: null });
    assert.deepEqual([ready.status, ready.headers.get('connection')], [503, 'close']);
    for (const reply of await Promise.all(calls)) assert.deepEqual([reply.status, reply.json()], [200, { last: true }]);
    assert.equal(await ended, 0);
    idle.destroy();
    rig.startController();
    await rig.ready();
    assert.equal((await invoke('last')).status, 200);
  });
});
