/** What operators do, in two regions: subjects, limits, keys, erasure, and the log of it all. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { run } from '../../apps/cli/src/run.js';
import { actionPath, ask, deploy, invoke, type Reply } from '../support/client.js';
import { projectRoot } from '../support/project.js';
import { startWorld, until, type World } from '../support/world.js';

const regions = ['us-east-1', 'eu-west-1'] as const;
const named = 'the second operator’s token'.replaceAll(/[^a-z]/g, '-');

let world: World;
let bases: readonly string[];

before(async () => {
  world = await startWorld({ regions, limits: 'openwhisk', env: { ISOCHRONE_ADMIN_TOKENS: `second:${named}` } });
  bases = regions.map((region) => world.regionUrl(region));
});
after(() => world?.stop());

/** Runs the command in this process: there are many of them. */
async function wskadmin(...args: string[]): Promise<{ code: number; stdout: string }> {
  let stdout = '';
  const print = (text: string): void => void (stdout += `${text}\n`);
  const where = ['--port', String(world.port), '--data', world.data];
  const code = await run(['wskadmin', ...args, ...where], { env: {}, root: projectRoot, print, say: print });
  return { code, stdout };
}

const admin = (method: string, path: string, body?: object, token?: string): Promise<Reply> => {
  const { adminToken } = JSON.parse(readFileSync(join(world.data, 'settings.json'), 'utf8')) as { adminToken: string };
  const headers = { authorization: `Bearer ${token ?? adminToken}` };
  return ask(bases[0] ?? '', method, `/isochrone/v1${path}`, { key: null, headers, ...(body && { body }) });
};

/** Makes a subject and waits until every region knows it. */
async function aSubject(name: string): Promise<string> {
  const { authKey } = (await admin('POST', '/subjects', { name })).json<{ authKey: string }>();
  await everywhere(`${name} is known`, async (base) => (await ask(base, 'GET', '/api/v1/namespaces', { key: authKey })).status === 200);
  return authKey;
}

async function everywhere(what: string, holds: (base: string) => Promise<boolean>): Promise<void> {
  for (const base of bases) await until(`${what} at ${base}`, () => holds(base));
}

/** Sets limits of a namespace and waits until they are shown in every region. */
async function setLimits(namespace: string, key: string, limits: object): Promise<void> {
  const answer = await admin('PUT', `/limits/${namespace}`, limits);
  assert.equal(answer.status, 200, answer.text);
  await everywhere('its limits hold', async (base) => {
    const shown = (await ask(base, 'GET', '/api/v1/namespaces/_/limits', { key })).json();
    return Object.entries(limits).every(([name, value]) => JSON.stringify(shown[name]) === JSON.stringify(value));
  });
}

test('wskadmin is spoken: users, keys, shared namespaces, blocking, in upstream’s words', async () => {
  const created = await wskadmin('user', 'create', 'wsk-subject');
  assert.match(created.stdout, /^[0-9a-f-]{36}:[A-Za-z0-9]{64}\n$/);
  assert.equal((await wskadmin('user', 'get', 'wsk-subject')).stdout, created.stdout);
  assert.equal((await wskadmin('user', 'whois', created.stdout.trim())).stdout, 'subject: wsk-subject\nnamespace: wsk-subject\n');
  assert.deepEqual(await wskadmin('user', 'create', 'wsk-subject'), { code: 1, stdout: 'Namespace already exists\n' });
  assert.deepEqual(await wskadmin('user', 'create', 'four'), { code: 2, stdout: 'Subject name must be at least 5 characters\n' });

  const given = `c0ffee00-0000-4000-8000-000000000001:${'k'.repeat(64)}`;
  assert.equal((await wskadmin('user', 'create', 'wsk-subject', '-ns', 'wsk-shared', '-u', given)).stdout, `${given}\n`);
  const other = (await wskadmin('user', 'create', 'wsk-other', '-ns', 'wsk-shared')).stdout.trim();
  assert.equal((await wskadmin('user', 'list', '-p', '2', '-k', 'wsk-shared')).stdout.trim().split('\n').length, 2);
  assert.equal((await wskadmin('user', 'get', 'wsk-subject', '--all')).stdout, `wsk-shared\t${given}\nwsk-subject\t${created.stdout}`);

  await deploy(bases[0] ?? '', 'shared', 'function main() { return { shared: true }; }', {}, given);
  assert.deepEqual((await invoke(bases[0] ?? '', 'shared', {}, { key: other })).json(), { shared: true });

  assert.equal(
    (await wskadmin('user', 'block', 'wsk-subject', 'wsk-other', '', ' ')).stdout,
    '"wsk-subject" blocked successfully\n"wsk-other" blocked successfully\n',
  );
  for (const key of [given, other]) {
    await everywhere('the blocked are strangers', async (base) => (await ask(base, 'GET', '/api/v1/namespaces', { key })).status === 401);
  }
  assert.deepEqual(await wskadmin('user', 'create', 'wsk-subject', '-ns', 'wsk-more'), {
    code: 1,
    stdout: 'The subject you want to edit is blocked\n',
  });
  assert.equal((await wskadmin('user', 'unblock', 'wsk-other')).stdout, '"wsk-other" unblocked successfully\n');
  await everywhere('one is back', async (base) => (await ask(base, 'GET', '/api/v1/namespaces', { key: other })).status === 200);

  assert.equal((await wskadmin('user', 'delete', 'wsk-subject', '-ns', 'wsk-shared')).stdout, 'Namespace deleted\n');
  assert.equal((await wskadmin('user', 'delete', 'wsk-subject')).stdout, 'Subject deleted\n');
  assert.deepEqual(
    (await invoke(bases[0] ?? '', 'shared', {}, { key: other })).json(),
    { shared: true },
    'the namespace is the other’s now',
  );

  assert.equal(
    (await wskadmin('limits', 'set', 'wsk-nobody', '--invocationsPerMinute', '1', '--firesPerMinute', '2', '--concurrentInvocations', '3'))
      .code,
    0,
  );
  assert.equal(
    (await wskadmin('limits', 'get', 'wsk-nobody')).stdout,
    'invocationsPerMinute = 1\nfiresPerMinute = 2\nconcurrentInvocations = 3\n',
  );
  assert.equal(
    (await wskadmin('limits', 'set', 'wsk-nobody', '--allowedKinds', 'nodejs:20', 'blackbox')).stdout,
    'Limits successfully set for "wsk-nobody"\n',
  );
  assert.match((await wskadmin('limits', 'get', 'wsk-nobody')).stdout, /^allowedKinds = \['nodejs:20', 'blackbox'\]$/m);
  assert.equal((await wskadmin('limits', 'delete', 'wsk-nobody')).stdout, 'Limits deleted\n');
  assert.equal((await wskadmin('limits', 'get', 'wsk-nobody')).stdout, 'No limits found, default system limits apply\n');
});

test('every limit of an action holds at, under and over, in every region', async () => {
  const key = await aSubject('narrow');
  const cases = [
    ['memory', { minActionMemory: 200, maxActionMemory: 300 }, 'memory size', ' MB'],
    ['timeout', { minActionTimeout: 500, maxActionTimeout: 2000 }, 'duration', ' milliseconds'],
    ['logs', { minActionLogs: 1, maxActionLogs: 5 }, 'log size', ' MB'],
  ] as const;
  await setLimits('narrow', key, Object.assign({}, ...cases.map(([, limits]) => limits)) as object);
  const put = (base: string, limits: object): Promise<Reply> =>
    ask(base, 'PUT', `${actionPath('limited')}?overwrite=true`, { key, body: { exec: { kind: 'nodejs:20', code: 'x' }, limits } });
  for (const base of bases) {
    for (const [limit, bounds, label, unit] of cases) {
      const [min = 0, max = 0] = Object.values(bounds) as number[];
      for (const value of [min, min + 1, max - 1, max])
        assert.equal((await put(base, { [limit]: value })).status, 200, `${limit} ${value}`);
      const refusals = [
        [min - 1, `requirement failed: ${label} ${min - 1}${unit} below allowed threshold of ${min}${unit}`],
        [max + 1, `requirement failed: ${label} ${max + 1}${unit} exceeds allowed threshold of ${max}${unit}`],
      ] as const;
      for (const [value, reason] of refusals) {
        const refused = await put(base, { [limit]: value });
        assert.deepEqual([refused.status, refused.json()['error']], [400, reason]);
      }
    }
  }
  assert.equal((await admin('PUT', '/limits/narrow', { maxActionMemory: 100_000 })).status, 200);
  await everywhere('the platform’s own bound holds', async (base) => {
    return (await ask(base, 'GET', '/api/v1/namespaces/_/limits', { key })).json()['maxActionMemory'] === 512;
  });
  for (const bad of [{ nonsense: 1 }, { invocationsPerMinute: -1 }, { maxPayloadSize: 'large' }, { storeActivations: 'no' }]) {
    assert.equal((await admin('PUT', '/limits/narrow', bad)).status, 400, JSON.stringify(bad));
  }
});

test('rates, kinds and sizes of a namespace hold at, under and over', async () => {
  const key = await aSubject('rated');
  const base = bases[0] ?? '';
  await deploy(base, 'echo', 'function main(a) { return a; }', {}, key);
  await deploy(base, 'big', "function main() { return { text: 'x'.repeat(2000) }; }", {}, key);
  await setLimits('rated', key, { allowedKinds: ['nodejs:20'], maxPayloadSize: '1 KB', maxParameterSize: '100 B' });
  const kind = await ask(base, 'PUT', actionPath('other-kind'), { key, body: { exec: { kind: 'blackbox', image: 'x' } } });
  assert.deepEqual([kind.status, /kind 'blackbox'/.test(kind.text)], [403, true]);
  const parameters = (length: number): object => ({
    exec: { kind: 'nodejs:20', code: 'x' },
    parameters: [{ key: 'p', value: 'v'.repeat(length - 3) }],
  });
  for (const [length, status] of [
    [99, 200],
    [100, 200],
    [101, 413],
  ] as const) {
    assert.equal((await ask(base, 'PUT', `${actionPath('sized')}?overwrite=true`, { key, body: parameters(length) })).status, status);
  }
  const frame = JSON.stringify({ t: '' }).length;
  for (const [length, status] of [
    [1023, 200],
    [1024, 200],
    [1025, 413],
  ] as const) {
    assert.equal((await invoke(base, 'echo', { t: 'x'.repeat(length - frame) }, { key })).status, status, `${length} bytes`);
  }
  assert.match((await invoke(base, 'big', {}, { key })).text, /exceeded the allowed length: 2011 > 1024 bytes/);

  await setLimits('rated', key, { concurrentInvocations: 0 });
  assert.match((await invoke(base, 'echo', {}, { key })).text, /Too many concurrent requests in flight \(count: 0, allowed: 0\)/);
  await setLimits('rated', key, { concurrentInvocations: 5, invocationsPerMinute: 0, firesPerMinute: 0 });
  assert.match((await invoke(base, 'echo', {}, { key })).text, /Too many requests in the last minute \(count: \d+, allowed: 0\)/);
  await ask(base, 'PUT', '/api/v1/namespaces/_/triggers/t', { key, body: {} });
  assert.match((await ask(base, 'POST', '/api/v1/namespaces/_/triggers/t', { key })).text, /allowed: 0/);
  assert.equal((await admin('DELETE', '/limits/rated?names=invocationsPerMinute,maxPayloadSize')).status, 200);
  await until('it may again', async () => (await invoke(base, 'echo', {}, { key })).status === 200);
});

test('a namespace that keeps no records: what runs answers, ends, and is found by nobody', async () => {
  const key = await aSubject('unkept');
  const base = bases[0] ?? '';
  await deploy(base, 'quiet', 'function main() { console.log("heard"); return { ran: true }; }', {}, key);
  await setLimits('unkept', key, { storeActivations: false });
  const blocking = await ask(base, 'POST', `${actionPath('quiet')}?blocking=true`, { key, body: {} });
  const { activationId, response } = blocking.json<{ activationId: string; response: { result: object } }>();
  assert.deepEqual([blocking.status, response.result], [200, { ran: true }]);
  const path = `/api/v1/namespaces/_/activations/${activationId}`;
  const components = ['quiet', 'quiet'].map((name) => `/unkept/${name}`);
  await ask(base, 'PUT', actionPath('twice'), { key, body: { exec: { kind: 'sequence', components } } });
  assert.deepEqual((await invoke(base, 'twice', {}, { key })).json(), { ran: true }, 'what follows another is told what that said');
  await until(
    'it has ended',
    async () => (await query(regions[0], `select 1 from activation where id = '${activationId}' and state = 4`)).length === 1,
  );
  const missing = await ask(base, 'GET', path, { key });
  assert.deepEqual([missing.status, missing.headers.get('x-isochrone-state')], [404, null]);
  assert.deepEqual((await ask(base, 'GET', '/api/v1/namespaces/_/activations', { key })).json(), []);
  const [row] = await query(regions[0], `select a::text as text from activation a where id = '${activationId}'`);
  assert.doesNotMatch(row?.['text'] ?? '', /heard|ran|quiet/);
});

test('a rotated auth key: the old one opens for as long as it was said, and nowhere after', async () => {
  const old = await aSubject('turning');
  const overlap = world.isochrone('subjects', 'rotate', 'turning', '--overlap', '5').trim();
  assert.equal(overlap.split(':')[0], old.split(':')[0]);
  await everywhere('the new one opens', async (base) => (await ask(base, 'GET', '/api/v1/namespaces', { key: overlap })).status === 200);
  for (const base of bases) assert.equal((await ask(base, 'GET', '/api/v1/namespaces', { key: old })).status, 200);
  const last = world.isochrone('subjects', 'create', 'turning', '--revoke').trim();
  await everywhere('the newest opens', async (base) => (await ask(base, 'GET', '/api/v1/namespaces', { key: last })).status === 200);
  for (const base of bases)
    for (const key of [old, overlap]) assert.equal((await ask(base, 'GET', '/api/v1/namespaces', { key })).status, 401);
  for (const region of regions) {
    const rows = await query(
      region,
      `select coalesce(doc, '') || coalesce(encode(sealed, 'escape'), '') as text from entity where space = 2`,
    );
    for (const secret of [old, overlap, last].map((key) => key.split(':')[1] ?? ''))
      assert.ok(rows.every(({ text = '' }) => !text.includes(secret)));
  }
});

test('a namespace gets a new encryption key while it is under load, and nobody notices', async () => {
  const key = await aSubject('sealed');
  const code = (n: number): string => `function main(a) { return { n: ${n}, secret: a.secret }; }`;
  for (let n = 0; n < 3; n += 1)
    await deploy(bases[0] ?? '', `sealed-${n}`, code(n), { parameters: [{ key: 'secret', value: `s${n}` }] }, key);
  await setLimits('sealed', key, { invocationsPerMinute: 6000 });
  await everywhere('it runs', async (base) => (await invoke(base, 'sealed-2', {}, { key })).status === 200);
  const over = new AbortController();
  let calls = 0;
  const load = bases.map(async (base) => {
    for (; !over.signal.aborted; calls += 1) {
      const n = calls % 3;
      const reply = await invoke(base, `sealed-${n}`, {}, { key });
      assert.deepEqual(reply.json(), { n, secret: `s${n}` }, reply.text);
    }
  });
  const rotated = admin('POST', '/namespaces/sealed/key');
  const { version } = (await rotated).json<{ version: number }>();
  assert.equal(
    (await ask(bases[1] ?? '', 'PUT', actionPath('sealed-new'), { key, body: { exec: { kind: 'nodejs:20', code: code(9) } } })).status,
    200,
  );
  assert.match(world.isochrone('keys', 'reencrypt', 'sealed'), /^\d+ rows were encrypted anew\n$/);
  assert.equal(world.isochrone('keys', 'reencrypt', 'sealed'), '0 rows were encrypted anew\n');
  await everywhere('all of it is here', async (base) => (await invoke(base, 'sealed-new', {}, { key })).status === 200);
  await until('more was called', async () => calls > 30);
  over.abort();
  await Promise.all(load);
  const ns = key.slice(0, 36);
  for (const region of regions) {
    await until(`${region} has nothing under an older key`, async () => {
      const rows = await query(
        region,
        `select get_byte(sealed, 3) * 256 + get_byte(sealed, 4) as version from entity where ns = '${ns}' and sealed is not null`,
      );
      return rows.length >= 4 && rows.every((row) => Number(row['version']) >= version);
    });
  }
});

test('an erased subject is gone from every database and every object store, also of a region that was down', async () => {
  const canary = 'CANARY-OF-THE-ERASED';
  const key = await aSubject('forgotten');
  const ns = key.slice(0, 36);
  const [near = '', far = ''] = bases;
  const code = `function main(a) { console.log('${canary}'); return { said: '${canary}', ...a }; }`;
  for (const n of [1, 2]) await deploy(near, canary, `${code} // ${n}`, { parameters: [{ key: 'p', value: canary }] }, key);
  await everywhere('it runs', async (base) => (await invoke(base, canary, { mine: canary }, { key })).status === 200);
  await ask(far, 'PUT', '/api/v1/namespaces/_/triggers/t', { key, body: { annotations: [{ key: 'a', value: canary }] } });
  await ask(near, 'DELETE', actionPath(canary), { key });
  await deploy(near, `${canary}-again`, code, {}, key);
  await everywhere('it is back', async (base) => (await invoke(base, `${canary}-again`, {}, { key })).status === 200);
  await admin('PUT', '/limits/forgotten', { invocationsPerMinute: 77 });
  await alarmEverySecond(near, 't', key);
  await until('its alarm goes off', async () => (await claims(ns)) >= 2);
  const ciphertext = new Set(
    (await Promise.all(regions.map((region) => query(region, `select blob as text from namespace_blob where ns = '${ns}'`))))
      .flat()
      .map(({ text = '' }) => text),
  );
  assert.ok(ciphertext.size >= 3, 'code of earlier versions is known too');

  world.isochrone('kill', 'eu-west-1');
  const ordered = await admin('POST', '/subjects/forgotten/erase');
  assert.deepEqual(ordered.json(), { name: 'forgotten', namespaces: [{ namespace: 'forgotten', namespaceId: ns }] });
  assert.equal((await ask(near, 'GET', '/api/v1/namespaces', { key })).status, 401);
  world.isochrone('start', 'eu-west-1');
  const report = JSON.parse(world.isochrone('subjects', 'erase', ns, '--yes', '--json')) as {
    namespaces: Record<string, { regions: Record<string, { answer: { counts: Record<string, number> } }> }>;
  };
  for (const region of regions) {
    const counts = report.namespaces[ns]?.regions[region]?.answer.counts ?? {};
    for (const what of ['rows', 'keys', 'blobs', 'activations', ...(region === regions[0] ? ['alarms'] : [])])
      assert.ok((counts[what] ?? 0) > 0, `${region} erased no ${what}: ${JSON.stringify(counts)}`);
  }
  for (const region of regions) {
    const tables = (await query(region, `select tablename as text from pg_tables where schemaname = 'public'`)).map(
      ({ text = '' }) => text,
    );
    const kept = ['erased_namespace', 'admin_audit'];
    for (const table of tables.filter((name) => !kept.includes(name))) {
      const rows = await query(
        region,
        `select t::text as text from "${table}" t where t::text like '%${canary}%' or t::text like '%forgotten%' or t::text like '%${ns}%'`,
      );
      const orders = table === 'entity' ? rows.filter(({ text = '' }) => text.startsWith('(11,')) : [];
      assert.deepEqual(
        rows.filter((row) => !orders.includes(row)),
        [],
        `${region} ${table}`,
      );
    }
    const files = readdirSync(join(world.data, 'regions', region, 'blobs'), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    for (const { parentPath, name } of files) {
      assert.ok(!ciphertext.has(`${parentPath.slice(-2)}${name}`), 'no ciphertext');
      assert.ok(!readFileSync(join(parentPath, name)).includes(canary), 'no plaintext');
    }
  }
  await noAlarmIsHeldOn();
  assert.equal(await claims(ns), 0);
  const again = await admin('POST', '/subjects', { name: 'forgotten', authKey: key });
  assert.deepEqual([again.status, again.json()['error']], [409, 'A namespace with this id was erased']);
  await aSubject('forgotten');
});

test('every administrative call is written down, by whom and from where, without a secret, for good', async () => {
  assert.equal((await admin('POST', '/subjects/nobody/block', {}, named)).status, 404);
  assert.equal((await admin('GET', '/subjects', undefined, 'a stranger’s guess'.replaceAll(/[^a-z ]/g, ''))).status, 401);
  const key = await aSubject('written');
  await admin('POST', '/whois', { authKey: key });
  const spelt = await fetch(`${world.url}/%69sochrone/v1/subjects/written`, { headers: { authorization: `Bearer ${named}` } });
  assert.equal(spelt.status, 200);
  const { entries } = JSON.parse(world.isochrone('audit', '--since', '1h', '--json')) as { entries: Record<string, string | number>[] };
  const find = (what: string, target: string) => entries.findLast((entry) => entry['what'] === what && entry['target'] === target);
  assert.deepEqual(
    ['operator', 'status', 'origin', 'region'].map((field) => find('POST subjects/:name/:verb', 'nobody block')?.[field]),
    ['second', 404, '127.0.0.1', 'us-east-1'],
  );
  assert.equal(find('POST subjects', 'written')?.['status'], 201);
  assert.equal(find('GET subjects/:name', 'written')?.['status'], 200, 'however the path is spelt');
  assert.equal(entries.findLast(({ operator }) => operator === '')?.['status'], 401);
  const text = JSON.stringify(entries);
  for (const secret of [named, key.split(':')[1] ?? '']) assert.ok(!text.includes(secret));
  for (const change of ['update admin_audit set operator = $$x$$', 'delete from admin_audit', 'truncate admin_audit']) {
    await assert.rejects(query(regions[0], change), /only ever added to/);
  }
});

/** Makes a trigger go off every second. */
async function alarmEverySecond(base: string, trigger: string, key: string): Promise<void> {
  await ask(base, 'PUT', `/api/v1/namespaces/_/triggers/${trigger}?overwrite=true`, { key, body: {} });
  const body = { lifecycleEvent: 'CREATE', triggerName: `/_/${trigger}`, authKey: key, cron: '* * * * * *' };
  const made = await ask(base, 'POST', '/api/v1/namespaces/whisk.system/actions/alarms/alarm?blocking=true&result=true', { key, body });
  assert.deepEqual(made.json(), { status: 'success' });
}

/** How often the alarm of a namespace was claimed to go off in the first region; 0 where nothing is noted of it. */
async function claims(ns: string): Promise<number> {
  return Number((await query(regions[0], `select fires from alarm_fire where ns = '${ns}'`))[0]?.['fires'] ?? 0);
}

/** Checks, by the fires of another alarm, that nothing tries again and again what an erasure has made impossible. */
async function noAlarmIsHeldOn(): Promise<void> {
  const key = await aSubject('ticking');
  await alarmEverySecond(bases[0] ?? '', 't', key);
  const complaints = (): string[] =>
    readFileSync(join(world.data, 'logs', `${regions[0]}.controller.log`), 'utf8')
      .split('\n')
      .filter((line) => /namespace-key|an alarm could not be seen to/.test(line));
  await until('another alarm goes off', async () => (await claims(key.slice(0, 36))) >= 2);
  const before = complaints();
  await until('it goes off again', async () => (await claims(key.slice(0, 36))) >= 5);
  assert.deepEqual(complaints().slice(before.length), []);
}

/** Asks the database of a region. */
async function query(region: string, text: string): Promise<Record<string, string>[]> {
  const { databasePassword, ports } = JSON.parse(readFileSync(join(world.data, 'settings.json'), 'utf8')) as {
    databasePassword: string;
    ports: Record<string, number>;
  };
  const client = new pg.Client({
    host: '127.0.0.1',
    port: ports[`${region}.postgres`] ?? 0,
    user: 'isochrone',
    password: databasePassword,
    database: 'postgres',
  });
  await client.connect();
  try {
    return (await client.query<Record<string, string>>(text)).rows;
  } finally {
    await client.end();
  }
}
