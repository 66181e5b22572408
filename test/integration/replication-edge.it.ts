/** Who may speak to a replication service, and what it does with what peers send: a region of the world that never runs is played by the test. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type RegionCode, type RegionId, type WorldRegion } from '#libs/domain';
import { Agent, request } from 'undici';
import { PeerLink } from '../../apps/replication/src/peer-link.js';
import { Authority, type Pair } from '../support/certificates.js';
import { eventually, testNamespace, TestWorld, type TestRegion } from '../support/replication-world.js';

let world: TestWorld;
let a: TestRegion;
let b: TestRegion;
let played: { readonly id: string; readonly code: number; readonly pair: Pair };
const agents: Agent[] = [];
const epoch = randomUUID();
let at = { xid: '0', key: '' };

before(async () => {
  world = await TestWorld.make(['us-east-1', 'eu-west-1'], ['sa-east-1']);
  [a, b] = world.regions as [TestRegion, TestRegion];
  played = world.absent[0] as typeof played;
  await Promise.all([a.start(), b.start()]);
});

after(async () => {
  await Promise.all(agents.map((agent) => agent.destroy()));
  await world?.close();
});

async function call(
  method: 'GET' | 'POST',
  path: string,
  { pair, body, region = a, headers = {} }: { pair?: Pair; body?: unknown; region?: TestRegion; headers?: object } = {},
) {
  const agent = new Agent({ connect: { ca: world.authority.ca, servername: region.id, ...pair } });
  agents.push(agent);
  const bytes = body === undefined ? null : Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const answer = await request(region.url + path, {
    method,
    dispatcher: agent,
    headers: { ...(bytes === null ? {} : { 'content-type': 'application/json' }), ...headers },
    body: bytes,
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, text, json: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown> };
}

function aRow(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    space: 0,
    ns: testNamespace,
    path: `row-${randomUUID()}`,
    kind: 1,
    entityId: randomUUID(),
    hlc: String(BigInt(Date.now()) << 16n),
    origin: played.code,
    schema: 1,
    deleted: false,
    doc: '{}',
    sealed: null,
    blob: null,
    requires: [],
    updated: Date.now(),
    ...fields,
  };
}

/** Sends rows as the played region's next batch. */
async function send(rows: readonly unknown[]) {
  const upto = { xid: String(Number(at.xid) + 10), key: '' };
  const answer = await call('POST', '/repl/v1/batch', {
    pair: played.pair,
    body: { from: played.id, epoch, schema: 1, after: at, upto, rows },
  });
  if (answer.status === 200) at = upto;
  return answer;
}

async function isVisible(path: unknown, region = a): Promise<boolean> {
  const { rows } = await region.storage.pool.query('select 1 from entity where path = $1 and not deleted', [path]);
  return rows.length === 1;
}

async function parkedWhy(pattern: string): Promise<unknown[]> {
  const { rows } = await a.storage.pool.query<{ missing: unknown }>('select missing from entity_parked where path like $1', [pattern]);
  return rows.map((row) => row.missing);
}

test('health is told to anyone, everything else to peers alone', async () => {
  assert.deepEqual((await call('GET', '/health/live')).json, { live: true });
  assert.equal((await call('GET', '/health/ready')).json['ready'], true);
  for (const path of [`/repl/v1/cursor?from=${played.id}`, '/repl/v1/status', `/repl/v1/blob/${'0'.repeat(64)}`])
    assert.equal((await call('GET', path)).status, 401, path);
  for (const path of ['/repl/v1/batch', '/repl/v1/rows']) assert.equal((await call('POST', path, { body: {} })).status, 401, path);
});

test('a certificate of another authority is refused, whatever region it names', async () => {
  const pair = await (await Authority.make()).issue(played.id);
  assert.equal((await call('GET', `/repl/v1/cursor?from=${played.id}`, { pair })).status, 403);
  assert.equal((await call('POST', '/repl/v1/batch', { pair, body: {} })).status, 401);
});

test('a certificate that names no other region of the world is refused', async () => {
  const foreign = [await world.authority.issue('xx-nowhere-9'), await world.authority.issue(played.id, ['localhost']), a.pair];
  for (const pair of foreign) assert.equal((await call('GET', '/repl/v1/status', { pair })).status, 403);
  assert.equal((await call('GET', '/repl/v1/status', { pair: played.pair })).status, 200);
});

test('a region speaks for itself only', async () => {
  assert.equal((await call('GET', `/repl/v1/cursor?from=${b.id}`, { pair: played.pair })).status, 403);
  const body = { from: b.id, epoch, schema: 1, after: at, upto: { xid: '1', key: '' }, rows: [] };
  assert.equal((await call('POST', '/repl/v1/batch', { pair: played.pair, body })).status, 403);
});

test('a service does not speak to one that is not the region it calls', async () => {
  const wrong = { id: 'sa-east-1' as RegionId, code: 9 as RegionCode, replicationUrl: b.url } as WorldRegion;
  const link = new PeerLink(wrong, { ...a.pair, ca: world.authority.ca });
  await assert.rejects(link.position(a.id), /altnames/);
  await link.close();
});

test('a batch is taken once, known when it comes again, and one that leaves a gap is told where to go on', async () => {
  const row = aRow();
  const before = at;
  assert.equal((await send([row])).status, 200);
  assert.ok(await isVisible(row['path']));
  const again = { from: played.id, epoch, schema: 1, after: before, upto: at, rows: [row] };
  assert.equal((await call('POST', '/repl/v1/batch', { pair: played.pair, body: again })).status, 200);
  const gap = { ...again, after: { xid: '500', key: '' }, upto: { xid: '510', key: '' } };
  const answer = await call('POST', '/repl/v1/batch', { pair: played.pair, body: gap });
  assert.equal(answer.status, 409);
  assert.deepEqual(answer.json, { position: { epoch, cursor: at } });
  assert.deepEqual((await call('GET', `/repl/v1/cursor?from=${played.id}`, { pair: played.pair })).json, {
    position: { epoch, cursor: at },
  });
});

test('rows that cannot be read are put aside with the reason, and the others of their batch are applied', async () => {
  const good = aRow();
  const unknown = aRow({ space: 99, kind: 42 });
  const badBase64 = aRow({ sealed: 'A' });
  const answer = await send([aRow({ hlc: 'soon' }), good, { evil: '\0' }, unknown, badBase64, 7]);
  assert.equal(answer.status, 200, answer.text);
  assert.ok((await isVisible(good['path'])) && (await isVisible(unknown['path'])));
  const reasons = (await parkedWhy('invalid/%')).map((missing) => (missing as { invalid: string }).invalid);
  assert.equal(reasons.length, 4);
  assert.ok(reasons.includes('bad hlc') && reasons.includes('a row is an object') && reasons.some((reason) => reason.includes('base64')));
  await eventually(async () => a.log.includes('unreadable rows were put aside'));
});

test('fields of a newer format are kept and handed on', async () => {
  const row = aRow({ schema: 7, rollout: { percent: 5 } });
  await send([row]);
  const key = { space: row['space'], ns: row['ns'], path: row['path'] };
  const { json } = await call('POST', '/repl/v1/rows', { pair: b.pair, body: { keys: [key] } });
  const [kept] = json['rows'] as Record<string, unknown>[];
  assert.deepEqual(kept?.['rollout'], { percent: 5 });
  assert.equal(kept?.['schema'], 7);
});

test('an action whose code cannot be had yet waits, hinders nobody, and is visible once any region has the code', async () => {
  const bytes = Buffer.from(`late code ${randomUUID()}`);
  const row = aRow({ blob: createHash('sha256').update(bytes).digest('hex') });
  const other = aRow();
  assert.equal((await send([row])).status, 200);
  assert.equal((await send([other])).status, 200);
  assert.ok(await isVisible(other['path']));
  assert.ok(!(await isVisible(row['path'])));
  await b.storage.objects.put(bytes);
  await eventually(() => isVisible(row['path']), { seconds: 60, what: 'visible' });
  assert.deepEqual(await parkedWhy(String(row['path'])), []);
});

test('a row whose parent has not come waits for it, or gets it from a peer that has it', async () => {
  const parent = aRow({ kind: 2, path: `pkg-${randomUUID()}` });
  const child = aRow({ path: `${parent['path'] as string}/act`, requires: [{ space: 0, path: parent['path'] }] });
  await send([child]);
  assert.deepEqual(await parkedWhy(String(child['path'])), [{ rows: [{ space: 0, path: parent['path'] }] }]);
  await send([parent]);
  await eventually(() => isVisible(child['path']), { what: 'visible after its parent' });

  const elsewhere = aRow({ kind: 2, path: `pkg-${randomUUID()}` });
  const body = { from: played.id, epoch, schema: 1, after: { xid: '0', key: '' }, upto: { xid: '5', key: '' }, rows: [elsewhere] };
  assert.equal((await call('POST', '/repl/v1/batch', { pair: played.pair, body, region: b })).status, 200);
  const orphan = aRow({ path: `${elsewhere['path'] as string}/act`, requires: [{ space: 0, path: elsewhere['path'] }] });
  await send([orphan]);
  await eventually(() => isVisible(orphan['path']), { seconds: 60, what: 'visible after asking' });
});

test('bodies that are no batch, too long or a bomb are refused', async () => {
  const post = (body: unknown, headers: object = {}) => call('POST', '/repl/v1/batch', { pair: played.pair, body, headers });
  assert.equal((await post({})).status, 400);
  assert.equal((await post(Buffer.from('{'))).status, 400);
  assert.equal((await post(Buffer.from('no gzip'), { 'content-encoding': 'gzip' })).status, 400);
  assert.equal((await post(gzipSync(Buffer.alloc(80 * 1024 * 1024, 0x20)), { 'content-encoding': 'gzip' })).status, 400);
  assert.equal((await post({ from: played.id, epoch, schema: 1, after: { xid: '0', key: '../..' }, upto: at, rows: [] })).status, 400);
  assert.equal((await call('GET', '/repl/v1/blob/..%2f..%2fetc%2fpasswd', { pair: played.pair })).status, 400);
  assert.equal((await call('GET', '/health/live')).status, 200);
});

test('code is served by its address, and from the middle for a download that broke off', async () => {
  const bytes = Buffer.from('0123456789');
  const address = await a.storage.objects.put(bytes);
  assert.equal((await call('GET', `/repl/v1/blob/${address}`, { pair: played.pair })).text, '0123456789');
  const rest = await call('GET', `/repl/v1/blob/${address}`, { pair: played.pair, headers: { range: 'bytes=4-' } });
  assert.deepEqual([rest.status, rest.text], [206, '456789']);
  assert.equal((await call('GET', `/repl/v1/blob/${'0'.repeat(64)}`, { pair: played.pair })).status, 404);
});

test('a download that breaks off goes on where it stopped', async () => {
  const bytes = Buffer.from('0123456789'.repeat(1000));
  const asked: (string | undefined)[] = [];
  const server = createServer({ ...b.pair, ca: world.authority.ca, requestCert: true }, (call, reply) => {
    asked.push(call.headers.range);
    const from = Number(/\d+/.exec(call.headers.range ?? '0')?.[0]);
    reply.writeHead(from > 0 ? 206 : 200, { 'content-length': String(bytes.length - from) });
    if (asked.length > 2) reply.end(bytes.subarray(from));
    else reply.write(bytes.subarray(from, from + 4000), () => setImmediate(() => reply.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const replicationUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const link = new PeerLink({ id: b.id, code: 9, replicationUrl } as unknown as WorldRegion, { ...a.pair, ca: world.authority.ca });
  const brought = await link.blob(createHash('sha256').update(bytes).digest('hex'), AbortSignal.timeout(10_000));
  assert.ok(brought && bytes.equals(brought));
  assert.deepEqual(asked, [undefined, 'bytes=4000-', 'bytes=8000-']);
  await assert.rejects(link.blob('0'.repeat(64), AbortSignal.timeout(10_000)), /not what its address says/);
  await link.close();
  server.close();
});

test('a feed of a new epoch is read again from its start', async () => {
  const row = aRow();
  const fresh = randomUUID();
  const body = { from: played.id, epoch: fresh, schema: 1, after: at, upto: { xid: '99999', key: '' }, rows: [row] };
  assert.deepEqual((await call('POST', '/repl/v1/batch', { pair: played.pair, body })).json, {
    position: { epoch: fresh, cursor: { xid: '0', key: '' } },
  });
  const start = { ...body, after: { xid: '0', key: '' } };
  assert.equal((await call('POST', '/repl/v1/batch', { pair: played.pair, body: start })).status, 200);
  assert.ok(await isVisible(row['path']));
});
