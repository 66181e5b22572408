import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ControllerRig, wellKnown } from '../support/controller-rig.js';

const minuteMs = 60_000;
let rig: ControllerRig;
let bases: readonly [string, string];

before(async () => {
  rig = await ControllerRig.start('openwhisk');
  bases = [rig.base, await rig.anotherController()];
  // Controllers show every second that they are there; until then each counts by itself.
  await delay(1500);
  for (const key of [wellKnown.guest, wellKnown.other]) {
    const code = 'async (p) => { await new Promise((r) => setTimeout(r, p.ms ?? 0)); return p; }';
    const put = await send(bases[0], key, 'PUT', '/actions/rest', { exec: { kind: 'nodejs:20', code: `const main = ${code}` } });
    assert.equal(put.status, 200);
  }
});

after(() => rig.stop());

const send = (base: string, key: string, method: string, path: string, body: unknown): Promise<Response> =>
  fetch(`${base}/api/v1/namespaces/_${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(key).toString('base64')}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const invoke = async (
  at: number,
  key: string,
  { ms = 0, blocking = false } = {},
): Promise<{ status: number; error: string | undefined }> => {
  const answer = await send(bases[at % 2 === 0 ? 0 : 1], key, 'POST', `/actions/rest${blocking ? '?blocking=true' : ''}`, { ms });
  const { error } = (await answer.json()) as { error?: string };
  return { status: answer.status, error };
};

/** Waits until enough of the wall-clock minute is left for what is counted in it. */
async function freshMinute(neededMs: number): Promise<void> {
  const left = minuteMs - (Date.now() % minuteMs);
  if (left < neededMs) await delay(left + 50);
}

test('a minute’s allowance is one for all controllers of the region, and a refusal names the namespace’s limit', async () => {
  await freshMinute(30_000);
  for (let at = 0; at < 60; at += 1)
    assert.deepEqual(await invoke(at, wellKnown.guest, { blocking: true }), { status: 200, error: undefined }, `request ${at + 1}`);
  for (const [at, count] of [
    [0, 61],
    [1, 62],
  ] as const) {
    assert.deepEqual(await invoke(at, wellKnown.guest), {
      status: 429,
      error: `Too many requests in the last minute (count: ${count}, allowed: 60).`,
    });
  }
});

test('what is in flight counts over all controllers of the region, also when all come at once', async () => {
  await freshMinute(25_000);
  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => invoke(at, wellKnown.other, { ms: 4000 })));
  assert.equal(answers.filter(({ status }) => status === 202).length, 30);
  for (const { status, error } of answers.filter((answer) => answer.status !== 202)) {
    assert.equal(status, 429);
    assert.equal(error, 'Too many concurrent requests in flight (count: 30, allowed: 30).');
  }
});

test('what ended on one controller makes room on the other', async () => {
  await freshMinute(20_000);
  for (let tries = 0; tries < 18; tries += 1) {
    if ((await invoke(1, wellKnown.other)).status === 202) return;
    await delay(1000);
  }
  assert.fail('the thirty that have ended still count');
});
