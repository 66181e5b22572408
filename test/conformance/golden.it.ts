/**
 * What a real OpenWhisk answered, asked of a region directly and through the router, on both queues of record. The scenarios stand in
 * test/golden/scenarios; what they need beside this file is said there.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { play, type Case, type Subject } from '../golden/play.js';
import { Contract, saveCoverage } from '../support/contract/contract.js';
import { testKafka } from '../support/kafka.js';
import { projectRoot } from '../support/project.js';
import { guestKey, startWorld, type World } from '../support/world.js';

const folder = join(projectRoot, 'test/golden/scenarios');
const areas = readdirSync(folder)
  .sort()
  .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { area: string; cases: Case[] });

/** Areas whose answers pass through the queue of record: asked again on the second one, and through the router. */
const queued = new Set(['invocation', 'results', 'activations', 'sequences', 'conductors', 'triggers']);

for (const queue of ['postgres', 'kafka'] as const) {
  describe(`recorded answers, queue of record: ${queue}`, () => {
    let world: World;
    let subject: Subject;
    let contract: Contract;
    let kafka: Awaited<ReturnType<typeof testKafka>> | undefined;

    before(async () => {
      kafka = queue === 'kafka' ? await testKafka() : undefined;
      world = await startWorld({
        regions: ['us-east-1'],
        limits: 'openwhisk',
        queue,
        env: kafka ? { KAFKA_BROKERS: kafka.brokers.join(',') } : {},
      });
      const other = world.isochrone('subjects', 'create', 'other').trim();
      const base = queue === 'postgres' ? world.regionUrl('us-east-1') : world.url;
      contract = await Contract.of(base);
      subject = {
        base,
        heard: ({ method, path }, answer) => contract.take({ method, target: path, ...answer }),
        keys: { guest: guestKey, other, stranger: '00000000-0000-0000-0000-000000000000:wrong' },
      };
    });
    after(async () => {
      if (contract) saveCoverage(contract.coverage);
      await world?.stop();
      await kafka?.stop();
    });

    for (const { area, cases } of areas.filter((a) => queue === 'postgres' || queued.has(a.area))) {
      for (const scenario of cases) {
        test(`${area}: ${scenario.name}`, async () => {
          const outcomes = await play(scenario, subject);
          assert.deepEqual(
            outcomes.filter(({ found }) => found.length > 0),
            [],
          );
        });
      }
    }

    test('every answer was as the document describes it', () => assert.deepEqual(contract.violations, []));
  });
}
