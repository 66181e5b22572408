/** The long form of test/conformance/fuzz.it.ts: many more requests, each time others, under both sets of texts and limits. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { deploy, invoke } from '../support/client.js';
import { fuzz } from '../support/schemathesis.js';
import { startWorld } from '../support/world.js';

for (const limits of ['seed', 'openwhisk']) {
  test(`whatever is asked, the answer fits the document (${limits})`, async () => {
    const world = await startWorld({ regions: ['us-east-1', 'eu-west-1'], limits });
    try {
      assert.deepEqual(await fuzz(world.url, { examples: 150, seed: randomInt(2 ** 31), timeoutMs: 1_000_000 }), []);
      if (limits !== 'seed') return; // of a full minute nothing is left to invoke with
      await deploy(world.url, 'after', 'function main() { return { well: true }; }');
      assert.deepEqual((await invoke(world.url, 'after')).json(), { well: true });
    } finally {
      await world.stop();
    }
  });
}
