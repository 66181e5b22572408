/** Every operation that the API's document describes: seen to succeed, to refuse strangers and to refuse bad input, each answer as described. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gaps } from '../support/contract/gaps.js';
import { watch, type Watch } from '../support/contract/watch.js';
import { guestKey, startWorld, until, type World } from '../support/world.js';

/** One request: method and path, with a JSON body where there is one. */
interface Call {
  readonly call: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string | null;
}

/** How an operation is seen: what succeeds, and what is wrong with another request. Strangers ask for the same as who succeeds. */
interface Row {
  readonly good?: Call;
  readonly bad: Call;
  readonly strange?: Call;
}

const controller = { name: 'controller', password: 'a password for a test' };
const stranger = '00000000-0000-0000-0000-000000000000:wrong';
const mine = '/api/v1/namespaces/_';
const tooLong = `?${'x'.repeat(8300)}`;
const code = { exec: { kind: 'nodejs:default', code: 'function main(args) { return args; }' } };
const web = '/api/v1/web/guest/default';
const forwarding = '/runtime/namespaces/guest/logForwarding';
const event = '/audit-log-api/event-post';

const onEntity = (path: string, good: unknown, bad: unknown): { put: Row; get: Row; remove: Row } => ({
  put: { good: { call: `PUT ${mine}/${path}`, body: good }, bad: { call: `PUT ${mine}/${path}`, body: bad } },
  get: { good: { call: `GET ${mine}/${path}` }, bad: { call: `GET ${mine}/${path}-none` } },
  remove: { good: { call: `DELETE ${mine}/${path}` }, bad: { call: `DELETE ${mine}/${path}-none` } },
});
const onList = (path: string): Row => ({ good: { call: `GET ${mine}/${path}` }, bad: { call: `GET ${mine}/${path}?limit=some` } });
const onRecord = (part: string): Row => ({
  good: { call: `GET ${mine}/activations/$id${part}` },
  bad: { call: `GET ${mine}/activations/short${part}` },
});
const onWeb = (method: string): Row => ({
  good: { call: `${method} ${web}/open.json/and/more?a=1`, key: null },
  strange: { call: `${method} ${web}/secured.json` },
  bad: { call: `${method} ${web}/none.json` },
});
const toAnyone = (path: string): Row => ({ good: { call: `GET ${path}`, key: null }, bad: { call: `GET ${path}${tooLong}` } });

const action = onEntity('actions/a', code, {});
const pkg = onEntity('packages/p', {}, { parameters: 'none' });
const packaged = onEntity('actions/p/a', code, {});
const trigger = onEntity('triggers/t', {}, { parameters: [1] });
const rule = onEntity('rules/r', { trigger: '/_/t', action: '/_/a' }, {});
const unaccepted = { accept: 'text/plain' };

/** In this order: what is created first is there for the rest. */
const rows: Readonly<Record<string, Row>> = {
  putAction: action.put,
  putPackage: pkg.put,
  putPackagedAction: packaged.put,
  putTrigger: trigger.put,
  putRule: rule.put,
  getAction: action.get,
  getPackagedAction: packaged.get,
  getPackage: pkg.get,
  getTrigger: trigger.get,
  getRule: rule.get,
  listActions: onList('actions'),
  listPackagedActions: onList('actions/p/'),
  listPackages: onList('packages'),
  listTriggers: onList('triggers'),
  listRules: onList('rules'),
  invokeAction: {
    good: { call: `POST ${mine}/actions/a?blocking=true`, body: { a: 1 } },
    bad: { call: `POST ${mine}/actions/a?timeout=0` },
  },
  invokePackagedAction: {
    good: { call: `POST ${mine}/actions/p/a?blocking=true&result=true`, body: { a: 1 } },
    bad: { call: `POST ${mine}/actions/p/a`, body: [] },
  },
  fireTrigger: { good: { call: `POST ${mine}/triggers/t`, body: { a: 1 } }, bad: { call: `POST ${mine}/triggers/t`, body: 'text' } },
  setRuleStatus: {
    good: { call: `POST ${mine}/rules/r`, body: { status: 'inactive' } },
    bad: { call: `POST ${mine}/rules/r`, body: { status: 'asleep' } },
  },
  listActivations: { good: { call: `GET ${mine}/activations?docs=true` }, bad: { call: `GET ${mine}/activations?since=noon` } },
  getActivation: onRecord(''),
  getActivationLogs: onRecord('/logs'),
  getActivationResult: onRecord('/result'),
  listNamespaces: { good: { call: 'GET /api/v1/namespaces' }, bad: { call: 'GET /api/v1/namespaces', headers: unaccepted } },
  getLimits: { good: { call: `GET ${mine}/limits` }, bad: { call: `GET ${mine}/limits`, headers: unaccepted } },
  getLimit: { bad: { call: `GET ${mine}/limits/memory` }, strange: { call: `GET ${mine}/limits/memory` } },
  getLogForwarding: { good: { call: `GET ${forwarding}` }, bad: { call: `GET ${forwarding}${tooLong}` } },
  setLogForwarding: {
    good: {
      call: `PUT ${forwarding}`,
      body: { splunk_hec: { host: 'logs.example.net', port: '443', index: 'main', hec_token: 'secret' } },
    },
    bad: { call: `PUT ${forwarding}`, body: { splunk_hec: {} } },
  },
  getLogForwardingErrors: { good: { call: `GET ${forwarding}/errors` }, bad: { call: `GET ${forwarding}/errors${tooLong}` } },
  postDeployEvent: { good: { call: `POST ${event}`, body: { event: {} } }, bad: { call: `POST ${event}${tooLong}`, body: {} } },
  ...Object.fromEntries(['get', 'put', 'post', 'delete', 'head', 'patch'].map((m) => [`${m}WebAction`, onWeb(m.toUpperCase())])),
  optionsWebAction: onWeb('OPTIONS'),
  getServer: toAnyone('/'),
  ping: toAnyone('/ping'),
  getApi: toAnyone('/api/v1'),
  getDocument: toAnyone('/api-docs'),
  getApiDocument: toAnyone('/api/v1/api-docs'),
  getPage: toAnyone('/docs'),
  getApiPage: toAnyone('/api/v1/docs'),
  listInvokers: toAnyone('/invokers'),
  countHealthyInvokers: toAnyone('/invokers/healthy/count'),
  areInvokersReady: toAnyone('/invokers/ready'),
  listRunning: toAnyone('/activation'),
  countRunning: toAnyone('/activation/count'),
  deleteRule: rule.remove,
  deleteTrigger: trigger.remove,
  deletePackagedAction: packaged.remove,
  deletePackage: pkg.remove,
  deleteAction: action.remove,
  disableController: {
    good: { call: 'POST /disable', key: `${controller.name}:${controller.password}` },
    bad: { call: `POST /disable${tooLong}` },
  },
};

/** Operations to which anyone may be a caller, so that there are no strangers. */
const open = new Set(Object.keys(rows).filter((name) => rows[name]?.good?.key === null && !rows[name]?.strange));

let world: World;
let seen: Watch;
let activation = '';

before(async () => {
  world = await startWorld({
    regions: ['us-east-1'],
    env: { ISOCHRONE_CONTROLLER_USERNAME: controller.name, ISOCHRONE_CONTROLLER_PASSWORD: controller.password },
  });
  seen = await watch(world.url);
});
after(async () => {
  await seen?.stop();
  await world?.stop();
});

async function ask({ call, body, headers = {}, key = guestKey }: Call): Promise<{ status: number; text: string }> {
  const [method = '', path = ''] = call.replace('$id', activation).split(' ');
  const response = await fetch(seen.url + path, {
    method,
    headers: {
      ...(key !== null && { authorization: `Basic ${Buffer.from(key).toString('base64')}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(90_000),
  });
  return { status: response.status, text: await response.text() };
}

async function must(call: Call, status = 200): Promise<string> {
  const answer = await ask(call);
  assert.equal(answer.status, status, `${call.call}: ${answer.text.slice(0, 300)}`);
  return answer.text;
}

test('actions for the web stand ready', async () => {
  const annotations = [{ key: 'web-export', value: true }];
  const exec = { kind: 'nodejs:default', code: 'function main() { return { ok: true }; }' };
  await must({ call: `PUT ${mine}/actions/open`, body: { exec, annotations } });
  await must({
    call: `PUT ${mine}/actions/secured`,
    body: { exec, annotations: [...annotations, { key: 'require-whisk-auth', value: 'a secret' }] },
  });
  const [, id = ''] = /"activationId":"(\w+)"/.exec(await must({ call: `POST ${mine}/actions/open?blocking=true` })) ?? [];
  activation = id;
  await until('its record is there', async () => (await ask({ call: `GET ${mine}/activations/${id}` })).status === 200);
});

for (const [operation, { good, bad, strange }] of Object.entries(rows)) {
  test(operation, async () => {
    const refused = await ask(bad);
    assert.ok(refused.status >= 400 && refused.status < 500 && ![401, 403].includes(refused.status), `${bad.call}: ${refused.status}`);
    const theirs = open.has(operation) || operation === 'optionsWebAction' ? undefined : (strange ?? good);
    for (const key of theirs ? [stranger, null] : []) await must({ ...theirs, key } as Call, 401);
    if (!good) return;
    const answer = await ask(good);
    assert.ok(answer.status >= 200 && answer.status < 300, `${good.call}: ${answer.status} ${answer.text.slice(0, 300)}`);
  });
}

test('the page loads its own files and nothing else', async () => {
  const named = await Promise.all(['/docs/index.html', '/api/v1/docs/index.html'].map((path) => fetch(world.url + path)));
  for (const one of named) assert.match(await one.text(), /<title>Swagger UI<\/title>/);
  const page = await fetch(`${world.url}/docs`);
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'; script-src 'self';/);
  const html = await page.text();
  assert.doesNotMatch(html, /<script(?![^>]* src=)/, 'no script stands in the page');
  const parts = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part = '']) => part);
  assert.ok(parts.length > 3 && parts.every((part) => part.startsWith('/')), parts.join());
  for (const part of parts) {
    const answer = await fetch(world.url + part);
    assert.equal(answer.status, 200, part);
    assert.ok((await answer.arrayBuffer()).byteLength > 0, part);
    const tag = answer.headers.get('etag') ?? '';
    assert.match(answer.headers.get('cache-control') ?? '', /max-age/, part);
    assert.equal((await fetch(world.url + part, { headers: { 'if-none-match': tag } })).status, 304, part);
  }
});

test('every answer was as the document describes it', async () => assert.deepEqual((await seen.report()).violations, []));

test('every operation was seen in every way', async () => assert.deepEqual(gaps([(await seen.report()).coverage]), []));
