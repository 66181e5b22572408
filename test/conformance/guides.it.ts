/** Every block of the guides is run as a reader would run it, in the order of the page, against a world. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { prints, readPage, type PageCommands } from '../support/pages.js';
import { projectRoot } from '../support/project.js';
import { startWorld, type World } from '../support/world.js';

const guides = join(projectRoot, 'docs/guides');
const clients = join(projectRoot, 'test/conformance/clients');
const start = readPage(join(guides, 'getting-started.md')).commands[0]?.script ?? '';

/** All of `aio` that the guides need: its runtime plugin, with commands in words. */
const aio = `#!${process.execPath}
const { createRequire } = require('node:module');
const need = createRequire(${JSON.stringify(join(clients, 'package.json'))});
const { Config, run, flush, handle } = need('@oclif/core');
const root = require('node:path').dirname(need.resolve('@adobe/aio-cli-plugin-runtime/package.json'));
Config.load(root).then((config) => {
  const args = process.argv.slice(2).map((word, at) => (at === 0 && word === 'rt' ? 'runtime' : word));
  let words = args.length;
  while (words > 0 && !config.findCommand(args.slice(0, words).join(':'))) words -= 1;
  return run([args.slice(0, words).join(':'), ...args.slice(words)], root);
}).then(flush).catch(handle);
`;

let world: World;
let home: string;

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'isochrone-guides-'));
  mkdirSync(join(home, 'bin'));
  writeFileSync(join(home, 'bin/aio'), aio);
  chmodSync(join(home, 'bin/aio'), 0o755);
  world = await startWorld({ regions: ['us-east-1', 'eu-west-1', 'ap-northeast-1'], watched: true });
});

after(async () => {
  await world?.stop();
  rmSync(home, { recursive: true, force: true });
});

const has = (tool: string): boolean =>
  spawnSync('bash', ['-c', `command -v ${tool}`], { env: { PATH: `${join(home, 'bin')}:${process.env['PATH']}` } }).status === 0;

for (const name of ['getting-started', 'web-actions', 'sequences', 'triggers-and-rules', 'apis']) {
  test(`the guide ${name} does what it says`, async (t) => {
    const { files, commands } = readPage(join(guides, `${name}.md`));
    const folder = join(home, name);
    mkdirSync(folder);
    symlinkSync(join(clients, 'node_modules'), join(folder, 'node_modules'));
    for (const { name: file, text } of files) writeFileSync(join(folder, file), text);
    const all = name === 'getting-started' ? commands : [{ line: 0, script: start, tool: undefined, output: undefined }, ...commands];
    const runnable = all.filter(({ tool }) => tool === undefined || has(tool));
    const printed = runAll(runnable, folder);
    for (const [at, { line, tool, output }] of all.entries()) {
      const place = `${name}.md:${line}`;
      if (tool !== undefined && !has(tool)) await t.test(`${place} with ${tool}`, { skip: `no ${tool} on the PATH` }, () => undefined);
      else if (output !== undefined) {
        const told = printed.get(runnable.findIndex((each) => each === all[at])) ?? '';
        await t.test(place, () => assert.ok(prints(output, told), `it prints\n${told}\nand the page says\n${output}`));
      }
    }
  });
}

test('every answer was as the document describes it', async () => assert.deepEqual(await world.departures(), []));

/** Runs the commands of a page in one shell and returns what each block printed on stdout. */
function runAll(commands: readonly PageCommands[], folder: string): Map<number, string> {
  const marker = (at: number): string => `--- block ${at} ---`;
  const script = commands.map(
    ({ script: text }, at) => `echo; echo '${marker(at)}'\n${text.replaceAll('http://localhost:3233', world.url)}`,
  );
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script.join('\n')], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 180_000,
    env: {
      PATH: `${join(home, 'bin')}:${process.env['PATH']}`,
      HOME: folder,
      XDG_CONFIG_HOME: folder,
      WSK_CONFIG_FILE: join(folder, '.wskprops'),
    },
  });
  assert.equal(status, 0, `the page ends with ${status}:\n${stdout}\n${stderr}`);
  return new Map(commands.map((_, at) => [at, stdout.split(marker(at))[1]?.split('\n--- block ')[0] ?? '']));
}
