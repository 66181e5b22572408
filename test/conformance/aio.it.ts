/** Adobe's unmodified runtime plugin for `aio`, driven as `aio rt …` does, against the router of a world. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { projectRoot } from '../support/project.js';
import { guestKey, startWorld, type World } from '../support/world.js';

/** The plugin is a whole command set; this is all of `aio` that it needs. */
const runner = `
const { run, flush, handle } = require('@oclif/core');
const root = require('node:path').dirname(require.resolve('@adobe/aio-cli-plugin-runtime/package.json'));
run(process.argv.slice(1), root).then(flush).catch(handle);
`;

let world: World;
let home: string;

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'isochrone-aio-'));
  writeFileSync(join(home, 'hello.js'), "function main() { console.log('Hello World'); return { hello: 'world' }; }");
  world = await startWorld({ regions: ['us-east-1', 'eu-west-1'], watched: true });
});
after(async () => {
  await world?.stop();
  rmSync(home, { recursive: true, force: true });
});

function aio(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', runner, '--', ...args], {
    cwd: join(projectRoot, 'test/conformance/clients'),
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      XDG_CONFIG_HOME: home,
      AIO_RUNTIME_APIHOST: world.url,
      AIO_RUNTIME_AUTH: guestKey,
      AIO_RUNTIME_NAMESPACE: 'guest',
      USE_RUNTIME_AUTH: '1', // else the plugin asks Adobe's own login for a token before it writes anything
    },
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, `aio ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

test('aio creates, invokes and shows logs', () => {
  aio('runtime:action:create', 'helloAction', join(home, 'hello.js'));
  assert.deepEqual(JSON.parse(aio('runtime:action:invoke', 'helloAction', '--result')), { hello: 'world' });
  assert.match(aio('runtime:action:list'), /helloAction/);
  const [last] = JSON.parse(aio('runtime:activation:list', '--json')) as { activationId: string }[];
  assert.ok(last);
  assert.match(aio('runtime:activation:logs', last.activationId), /Hello World/);
  aio('runtime:action:update', 'helloAction', join(home, 'hello.js'));
  aio('runtime:action:delete', 'helloAction');
});

test('aio makes, lists, shows and deletes an API, from arguments and from a file', async () => {
  const web = join(home, 'web.js');
  writeFileSync(web, 'function main(args) { return { body: { path: args.__ow_path } }; }');
  aio('runtime:action:create', 'webAction', web, '--web', 'true');
  const url = aio('runtime:api:create', '/pets', '/{name}', 'get', 'webAction', '--response-type', 'http', '--apiname', 'Pets').trim();
  assert.match(url, /^http:\/\/[^/]+\/apis\/guest\/pets\/\{name\}$/);
  assert.deepEqual(await (await fetch(url.replace('{name}', 'dog'))).json(), { path: '/pets/dog' });
  assert.match(aio('runtime:api:list'), /get\s+Pets\s+http\S+\/apis\/guest\/pets\/\{name\}/);
  assert.match(aio('runtime:api:list', '/pets', '/{name}', 'get'), /Pets/);
  const file = join(home, 'pets.json');
  writeFileSync(file, aio('runtime:api:get', 'Pets'));
  aio('runtime:api:delete', '/pets', '/{name}', 'get');
  assert.doesNotMatch(aio('runtime:api:list'), /Pets/);
  assert.equal(`${aio('runtime:api:create', '--config-file', file).trim()}/{name}`, url);
  assert.equal((await fetch(url.replace('{name}', 'cat'))).status, 200);
  aio('runtime:api:delete', 'Pets');
});

test('every answer was as the document describes it', async () => assert.deepEqual(await world.departures(), []));
