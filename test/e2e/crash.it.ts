/**
 * Fifty non-blocking invokes a second while a process is killed with -9: every id that a 202 gave out ends in exactly one record, and what
 * started never runs twice.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { actionPath, ask, deploy, invoke } from '../support/client.js';
import { testKafka, type TestKafka } from '../support/kafka.js';
import { startWorld, until, type World } from '../support/world.js';

const region = 'us-east-1';

for (const queue of ['postgres', 'kafka'] as const) {
  describe(`queue of record: ${queue}`, () => {
    let world: World;
    let kafka: TestKafka | undefined;
    let base: string;

    before(async () => {
      kafka = queue === 'kafka' ? await testKafka() : undefined;
      world = await startWorld({ regions: [region], queue, env: kafka ? { KAFKA_BROKERS: kafka.brokers.join(',') } : {} });
      base = world.regionUrl(region);
      await deploy(base, 'tick', 'function main({ n }) { console.log(`ran ${n}`); return { n }; }');
      assert.equal((await invoke(base, 'tick', { n: -1 })).status, 200);
    });
    after(async () => {
      await world?.stop();
      await kafka?.stop();
    });

    for (const victim of ['controller', 'invoker', 'postgres']) {
      test(`${victim} killed`, async () => {
        const since = Date.now();
        const accepted = await invokeThrough(() => kill(world, `${region}.${victim}`));
        assert.ok(accepted.length > 100, `${accepted.length} accepted`);
        await ended(accepted.map(({ id }) => id));
        await assertOneRecordEach(since, accepted);
      });
    }

    if (queue === 'kafka') {
      test('the broker killed', async () => {
        const since = Date.now();
        const accepted = await invokeThrough(() => kafka?.crash?.(1000));
        await ended(accepted.map(({ id }) => id));
        await assertOneRecordEach(since, accepted);
      });
    }

    /** Sends 50 invokes a second for ten seconds; three seconds in, `strike` happens. Refused calls are no promise and do not count. */
    async function invokeThrough(strike: () => unknown): Promise<{ id: string; n: number }[]> {
      const accepted: { id: string; n: number }[] = [];
      const sent: Promise<void>[] = [];
      for (let n = 0; n < 500; n += 1) {
        if (n === 150) sent.push(Promise.resolve(strike()).then(() => undefined));
        sent.push(
          ask(base, 'POST', actionPath('tick'), { body: { n }, timeoutMs: 20_000 }).then(
            (reply) => void (reply.status === 202 && accepted.push({ id: reply.json<{ activationId: string }>().activationId, n })),
            () => undefined,
          ),
        );
        await sleep(20);
      }
      await Promise.all(sent);
      return accepted;
    }

    async function ended(ids: readonly string[]): Promise<void> {
      const open = new Set(ids);
      await until(
        `every one of ${ids.length} ids has its record`,
        async () => {
          for (const id of [...open].slice(0, 100)) {
            const found = await ask(base, 'GET', `/api/v1/namespaces/_/activations/${id}`).catch(() => undefined);
            if (found?.status === 200) open.delete(id);
          }
          return open.size === 0;
        },
        120_000,
        () => undefined,
      );
    }

    /** Reads the list of all records since `since`, page by page: each id once, each successful run with its own argument. */
    async function assertOneRecordEach(since: number, accepted: readonly { id: string; n: number }[]): Promise<void> {
      const listed: { activationId: string; response: { success: boolean; result: { n?: number; error?: string } } }[] = [];
      for (let skip = 0; ; skip += 50) {
        const page = (
          await ask(base, 'GET', `/api/v1/namespaces/_/activations?name=tick&docs=true&limit=50&skip=${skip}&since=${since - 60_000}`)
        ).json<typeof listed>();
        listed.push(...page);
        if (page.length < 50) break;
      }
      for (const { id, n } of accepted) {
        const records = listed.filter(({ activationId }) => activationId === id);
        assert.equal(records.length, 1, `${id} has ${records.length} records`);
        const [{ response }] = records as [(typeof listed)[number]];
        if (response.success) assert.equal(response.result.n, n);
        else assert.match(response.result.error ?? '', /may have run/);
      }
    }
  });
}

/** Kills one process of a world, which its supervisor starts again. */
function kill(world: World, name: string): void {
  const processes = JSON.parse(readFileSync(join(world.data, 'run.json'), 'utf8')) as { name: string; pid: number }[];
  const found = processes.find((process) => process.name === name);
  assert.ok(found, `${name} is not among ${processes.map((p) => p.name).join(', ')}`);
  process.kill(found.pid, 'SIGKILL');
}
