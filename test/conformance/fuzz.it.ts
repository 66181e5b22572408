/** Requests made up from the API's document: no fault of ours, no hang, and every answer fits the document. The long form is in test/prove. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deploy, invoke } from '../support/client.js';
import { fuzz } from '../support/schemathesis.js';
import { startWorld, type World } from '../support/world.js';

let world: World;

before(async () => {
  world = await startWorld({ regions: ['us-east-1'] });
});
after(() => world?.stop());

test('whatever is asked, the answer fits the document', async () => {
  assert.deepEqual(await fuzz(world.url, { examples: 8, seed: 1, timeoutMs: 300_000 }), []);
});

test('and the world still runs actions', async () => {
  await deploy(world.url, 'after', 'function main() { return { well: true }; }');
  assert.deepEqual((await invoke(world.url, 'after')).json(), { well: true });
});
