import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '#libs/domain';
import type { NativeDriver } from '#libs/sandbox';
import {
  answer,
  init,
  printed,
  processesOf,
  renamed,
  run,
  runOnceOn,
  startSpawner,
  withSandboxOf,
  zipOf,
  type TestSpawner,
} from '../support/sandboxes.js';

const MiB = 1024 * 1024;
const asRoot = process.getuid?.() === 0;

let spawner: TestSpawner;
let driver: NativeDriver;

before(async () => {
  spawner = startSpawner();
  driver = await spawner.connect();
});

after(async () => {
  await driver.close();
  assert.equal(await spawner.stop(), 0);
  if (asRoot) assert.deepEqual(processesOf(spawner), []);
});

const withSandbox = <T>(use: (sandbox: Sandbox) => Promise<T>, memoryMiB = 256, from = driver): Promise<T> =>
  withSandboxOf(from, use, memoryMiB);

/** The archive with a checksum of another content. */
function damaged(zip: Buffer): Buffer {
  const copy = Buffer.from(zip);
  const entry = copy.indexOf('PK\x01\x02', 0, 'latin1');
  copy[entry + 16] = (copy[entry + 16] ?? 0) ^ 1;
  return copy;
}

const runOnce = (code: string, args: unknown = {}, memoryMiB = 256): ReturnType<Sandbox['run']> => runOnceOn(driver, code, args, memoryMiB);

describe('an action', () => {
  test('that patches what the runtime uses hurts only its own values', async () => {
    for (const patch of [
      'JSON.stringify = () => \'{"hacked":1}\'',
      'JSON.parse = () => 1',
      'Buffer.from = () => 1',
      'Buffer.prototype.writeUInt32BE = () => 1',
    ]) {
      await withSandbox(async (sandbox) => {
        assert.equal((await init(sandbox, `function main() { ${patch}; return { a: 1 }; }`)).outcome.kind, 'ok');
        assert.deepEqual(answer(await run(sandbox)), { a: 1 }, patch);
      });
    }
  });

  test('gets arguments and environment, and its prints arrive in form', async () => {
    await withSandbox(async (sandbox) => {
      const code = `console.log('loading'); function main(args) { console.log('snow ☃'); console.error('  b  '); console.log('two\\nlines'); process.stdout.write('end');
        return { args, a: process.env.A, b: process.env.__OW_B }; }`;
      const loaded = await init(sandbox, code, { env: { A: 'plain' } });
      assert.deepEqual([loaded.outcome, printed(loaded)], [{ kind: 'ok' }, ['stdout: loading']]);
      const ended = await run(sandbox, { x: [1, 'é\0'] }, { env: { __OW_B: 'per run' } });
      assert.deepEqual(answer(ended), { args: { x: [1, 'é\0'] }, a: 'plain', b: 'per run' });
      assert.deepEqual(printed(ended), ['stdout: snow ☃', 'stderr:   b  ', 'stdout: two', 'stdout: lines', 'stdout: end']);
      for (const line of ended.logs.lines) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr): /);
    });
  });

  test('has odd names and values in its environment, and imports modules', async () => {
    await withSandbox(async (sandbox) => {
      const env = { '': 'empty', 'a=b': 'equals', 'n\0': 'nul', V: 'cut\0off', GOOD: '  kept\n' };
      const code = `async function main() { const { sep } = await import('node:path'); return { sep, good: process.env.GOOD } }`;
      assert.deepEqual((await init(sandbox, code, { env })).outcome, { kind: 'ok' });
      assert.deepEqual(answer(await run(sandbox)), { sep: '/', good: '  kept\n' });
    });
  });

  const results: [string, string, { ok: boolean; body: RegExp }][] = [
    ['nothing', 'function main() {}', { ok: true, body: /^\{\}$/ }],
    ['null', 'function main() { return null }', { ok: true, body: /^null$/ }],
    ['an array', 'async function main() { return [1] }', { ok: true, body: /^\[1\]$/ }],
    ['text', 'function main() { return "text" }', { ok: false, body: /^\{"error":"The action did not return a dictionary\."\}$/ }],
    [
      'a throw',
      'function main() { throw new Error("thrown") }',
      { ok: false, body: /^\{"error":"An error has occurred: Error: thrown"\}$/ },
    ],
    ['a rejection with data', 'function main() { return Promise.reject({ code: 1 }) }', { ok: true, body: /^\{"error":\{"code":1\}\}$/ }],
    ['a rejection with nothing', 'function main() { return Promise.reject() }', { ok: true, body: /^\{"error":\{\}\}$/ }],
    [
      'a rejection with an error',
      'async function main() { throw new TypeError("no") }',
      { ok: true, body: /"message":"no".*"stack":|"name":"TypeError"/ },
    ],
    [
      'a circle',
      'function main() { const a = {}; a.a = a; return a }',
      { ok: false, body: /An error has occurred: the result cannot be written as JSON/ },
    ],
    [
      'a rejection that fights back',
      'function main() { return Promise.reject({ get a() { throw 1 } }) }',
      { ok: true, body: /"error":"\[object Object\]"/ },
    ],
    ['a bigint', 'function main() { return { n: 1n } }', { ok: false, body: /BigInt/ }],
    ['exports.main', 'exports.main = () => ({ a: 1 })', { ok: true, body: /^\{"a":1\}$/ }],
    [
      'module.exports',
      "'use strict'; const main = () => ({ a: this === undefined }); module.exports = { main }",
      { ok: true, body: /"a"/ },
    ],
    ['require', 'function main() { return { sep: require("path").sep } }', { ok: true, body: /"\/"/ }],
  ];
  for (const [name, code, expected] of results) {
    test(`answers as OpenWhisk's runtime does: ${name}`, async () => {
      const { outcome } = await runOnce(code);
      assert.ok(outcome.kind === 'answered', JSON.stringify(outcome));
      assert.deepEqual([outcome.phase, outcome.ok, outcome.bytes], ['run', expected.ok, Buffer.byteLength(outcome.body)]);
      assert.match(outcome.body, expected.body);
    });
  }

  const failures: [string, string, RegExp, string?][] = [
    [
      'no such function',
      'function other() {}',
      /^\{"error":"Initialization has failed due to: Action entrypoint 'main' is not a function\."\}$/,
    ],
    ['broken syntax', 'function main( {', /Initialization has failed due to: .*SyntaxError/s],
    ['a throw while loading', 'throw new Error("early"); function main() {}', /Initialization has failed due to: Error: early\\n/],
    ['no code', '', /Missing main\/no code to execute\./],
    ['a main that is no name', 'function main() {}', /Action entrypoint 'a b;' is not a function/, 'a b;'],
  ];
  for (const [name, code, text, main] of failures) {
    test(`fails to load in OpenWhisk's words: ${name}`, async () => {
      await withSandbox(async (sandbox) => {
        const { outcome } = await init(sandbox, code, main === undefined ? {} : { main });
        assert.ok(outcome.kind === 'answered' && outcome.phase === 'init' && !outcome.ok, JSON.stringify(outcome));
        assert.match(outcome.body, text);
      });
    });
  }

  test('is found at a path into objects', async () => {
    await withSandbox(async (sandbox) => {
      assert.equal((await init(sandbox, 'const a = { b: { c: () => ({ ok: 1 }) } }', { main: 'a.b.c' })).outcome.kind, 'ok');
      assert.deepEqual(answer(await run(sandbox)), { ok: 1 });
    });
  });

  test('has a large result cut, with its whole length, and goes on', async () => {
    await withSandbox(async (sandbox) => {
      await init(sandbox, 'function main({ n, c }) { return { a: c.repeat(n) } }');
      const { outcome } = await run(sandbox, { n: MiB, c: 'é' });
      assert.ok(outcome.kind === 'answered');
      assert.deepEqual([outcome.bytes, Buffer.byteLength(outcome.body)], [2 * MiB + 8, MiB]);
      assert.ok(!outcome.body.includes('\ufffd'));
      assert.equal((await run(sandbox, { n: 1, c: 'x' })).outcome.kind, 'answered');
    });
  });

  test('has 20 MB of logs cut at 10 MB', async () => {
    const ended = await runOnce(
      'function main() { const line = "123456789abcdef"; for (let n = 0; n < 20 * 65536; n++) console.log(line); return {} }',
    );
    assert.deepEqual(answer(ended), {});
    assert.deepEqual([ended.logs.lines.length, ended.logs.truncated], [(10 * MiB) / 16, true]);
  });

  test('that throws where nobody catches ends, and its logs say why', async () => {
    const ended = await runOnce('function main() { setTimeout(() => { throw new Error("late") }, 1); return new Promise(() => {}) }');
    assert.deepEqual(ended.outcome, { kind: 'exited', phase: 'run' });
    assert.ok(printed(ended).includes('stderr: Error: late'));
  });

  test('keeps no logs where it may have none', async () => {
    await withSandbox(async (sandbox) => {
      await init(sandbox, 'function main() { console.log("x"); return {} }');
      assert.deepEqual((await run(sandbox, {}, { logBytes: 0 })).logs, { lines: [], truncated: false });
    });
  });

  test('has the prints of its child processes, and what it writes past the runtime', async () => {
    const ended = await runOnce(`function main() { require('fs').writeSync(2, 'raw\\n');
      require('child_process').spawnSync(process.execPath, ['-e', 'console.log("child")'], { stdio: 'inherit' });
      return {} }`);
    assert.deepEqual(printed(ended).sort(), ['stderr: raw', 'stdout: child']);
  });
});

describe('a zip', () => {
  test('is loaded by its index.js, its package.json or as an ES module', async () => {
    const cases: [Record<string, string>, string][] = [
      [
        { 'index.js': 'exports.main = () => ({ at: require("./lib/a").at })', 'lib/a.js': 'exports.at = __dirname.endsWith("/lib")' },
        'main',
      ],
      [
        { 'package.json': '{"main":"src/x.js"}', 'src/x.js': 'exports.main = () => ({ at: process.cwd().startsWith("/tmp/action-") })' },
        'main',
      ],
      [
        {
          'package.json': '{"type":"module"}',
          'index.js': 'import { at } from "./a.js"; export const main = () => ({ at });',
          'a.js': 'export const at = true',
        },
        'main',
      ],
      [{ 'index.mjs': 'export default { deep: { main: () => ({ at: true }) } }' }, 'deep.main'],
    ];
    for (const [files, main] of cases) {
      await withSandbox(async (sandbox) => {
        const loaded = await init(sandbox, await zipOf(files), { main });
        assert.deepEqual(loaded.outcome, { kind: 'ok' });
        assert.deepEqual(answer(await run(sandbox)), { at: true });
      });
    }
  });

  test('keeps modes and honest links', async () => {
    const zip = await zipOf({
      'index.js': `const fs = require('fs'); exports.main = () => ({ mode: fs.statSync('node_modules/t/cli.js').mode & 0o777, link: fs.readlinkSync('node_modules/.bin/t'), said: require('./node_modules/.bin/t') })`,
      'node_modules/.bin/t': { text: '../t/cli.js', mode: 0o120777 },
      'node_modules/t/cli.js': { text: 'module.exports = "hi"', mode: 0o100755 },
    });
    await withSandbox(async (sandbox) => {
      assert.deepEqual((await init(sandbox, zip)).outcome, { kind: 'ok' });
      assert.deepEqual(answer(await run(sandbox)), { mode: 0o755, link: '../t/cli.js', said: 'hi' });
    });
  });

  test('that writes elsewhere, or is none, fails to load in plain words', async () => {
    const honest = await zipOf({ 'index.js': 'exports.main = () => ({})', 'aaaaaaaaaa.js': 'x' });
    const link = (to: string): Promise<Buffer> => zipOf({ 'index.js': 'x', l: { text: to, mode: 0o120777 } });
    const evil: [Uint8Array, RegExp][] = [
      [renamed(honest, 'aaaaaaaaaa.js', '../../../../x'), /error uncompressing the action archive.*\.\./],
      [renamed(honest, 'aaaaaaaaaa.js', '/etc/aaaaa.js'), /error uncompressing the action archive/],
      [renamed(honest, 'aaaaaaaaaa.js', 'a/../../../.x'), /error uncompressing the action archive/],
      [renamed(honest, 'aaaaaaaaaa.js', '..\\aaaaaaa.js'), /error uncompressing the action archive/],
      [renamed(honest, 'aaaaaaaaaa.js', 'aaaaa\0aaaa.js'), /is invalid/],
      [Buffer.from(honest.toString('latin1').replaceAll('aaaaaaaaaa.js', 'aaaaa\xff\xfeaaa.js'), 'latin1'), /is invalid/],
      [await link('/'), /leads out of the archive/],
      [await link('../x'), /leads out of the archive/],
      [await zipOf({ 'index.js': 'x', l: { text: '/', mode: 0o120777 }, 'l/x': 'y' }), /leads out of the archive|same name/],
      [
        await zipOf({ 'e/f/g/i.js': 'x', 'e/f/g/up': { text: '../../..', mode: 0o120777 }, p: { text: 'e/f/g/up/../..', mode: 0o120777 } }),
        /leads out of the archive/,
      ],
      [await zipOf({ [`${'d/'.repeat(70)}x`]: 'y' }), /more than 64 levels deep/],
      [damaged(honest), /There was an error uncompressing the action archive.*checksum/],
      [Buffer.from('this is no zip'), /There was an error uncompressing the action archive\. The file type is unsupported/],
      [honest.subarray(0, honest.length - 30), /There was an error uncompressing the action archive/],
      [
        await zipOf({ 'readme.md': 'x' }),
        /Initialization has failed due to: Zipped actions must contain either package\.json or index\.js at the root\./,
      ],
    ];
    for (const [bytes, text] of evil) {
      await withSandbox(async (sandbox) => {
        const { outcome } = await init(sandbox, bytes);
        assert.ok(outcome.kind === 'answered' && !outcome.ok, JSON.stringify(outcome));
        assert.match(outcome.body, text);
      });
    }
  });

  test('with far too many entries is refused before it is unpacked', async () => {
    const zip = await zipOf({ 'index.js': 'exports.main = () => ({})' });
    zip.writeUInt16LE(60_000, zip.length - 22 + 8);
    zip.writeUInt16LE(60_000, zip.length - 22 + 10);
    await withSandbox(async (sandbox) => {
      const { outcome } = await init(sandbox, zip);
      assert.ok(outcome.kind === 'answered');
      assert.match(outcome.body, /60000 entries, 50000 are allowed/);
    });
  });

  test('that does not fit into the memory says so', async () => {
    const zip = await zipOf({ 'index.js': 'exports.main = () => ({})', big: 'x'.repeat(100 * MiB) });
    await withSandbox(async (sandbox) => {
      const { outcome } = await init(sandbox, zip);
      assert.ok(outcome.kind === 'answered');
      assert.match(outcome.body, /does not fit into the action's memory/);
    }, 128);
  });
});

describe('several runs in one sandbox', () => {
  const code = `let waiting = [];
    async function main({ id, mode }) {
      console.log(id);
      if (mode === 'hang') await new Promise(() => {});
      if (mode === 'wait') await new Promise((done) => waiting.push(done));
      if (mode === 'go') waiting.forEach((done) => done());
      if (mode === 'exit') process.exit(1);
      if (mode === 'busy') for (;;);
      if (id === 'r0') console.log('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX');
      console.log(id);
      return { id };
    }`;
  test('keep their logs apart; one that hangs ends alone, then the sandbox is done', async () => {
    await withSandbox(async (sandbox) => {
      await init(sandbox, code, { concurrency: 50 });
      const others = Array.from({ length: 20 }, (_, n) => run(sandbox, { id: `r${n}`, mode: 'wait' }, { timeoutMs: 20_000 }));
      const hanging = await run(sandbox, { id: 'bad', mode: 'hang' }, { timeoutMs: 500 });
      assert.deepEqual(hanging.outcome, { kind: 'timed-out', phase: 'run', timeoutMs: 500 });
      assert.ok(hanging.durationMs >= 500);
      assert.deepEqual(printed(hanging), ['stdout: bad']);
      await assert.rejects(() => run(sandbox, { id: 'late' }), { code: 'unavailable' });
      assert.equal(others.length, 20);
      await Promise.race([sandbox.exited.then(() => assert.fail('killed under the others')), sleep(200)]);
      await sandbox.kill();
      for (const ended of await Promise.all(others)) assert.equal(ended.outcome.kind, 'internal');
    });
  });

  test('finish beside one that hangs, and the empty sandbox is killed', async () => {
    await withSandbox(async (sandbox) => {
      const patient = `async function main({ id, ms }) { console.log(id); await new Promise((done) => setTimeout(done, ms)); if (id === 'r0') console.log('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'); console.log(id); return { id } }`;
      await init(sandbox, patient, { concurrency: 50 });
      const others = Array.from({ length: 20 }, (_, n) => run(sandbox, { id: `r${n}`, ms: 1000 }));
      const hanging = run(sandbox, { id: 'bad', ms: 60_000 }, { timeoutMs: 300 });
      assert.equal((await hanging).outcome.kind, 'timed-out');
      for (const [n, ended] of (await Promise.all(others)).entries()) {
        assert.deepEqual(answer(ended), { id: `r${n}` });
        assert.deepEqual(
          printed(ended),
          n === 0 ? ['stdout: r0', 'stdout: XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX', 'stdout: r0'] : [`stdout: r${n}`, `stdout: r${n}`],
        );
      }
      assert.equal(await sandbox.exited, 'killed');
    });
  });

  test('all end when one exits, and keep what they printed', async () => {
    await withSandbox(async (sandbox) => {
      await init(sandbox, code, { concurrency: 50 });
      const others = Array.from({ length: 20 }, (_, n) => run(sandbox, { id: `r${n}`, mode: 'wait' }));
      const exiting = run(sandbox, { id: 'bad', mode: 'exit' });
      for (const [n, ended] of (await Promise.all([...others, exiting])).entries()) {
        assert.deepEqual(ended.outcome, { kind: 'exited', phase: 'run' });
        assert.deepEqual(printed(ended), [`stdout: ${n === 20 ? 'bad' : `r${n}`}`]);
      }
      assert.equal(await sandbox.exited, 'exited');
    });
  });

  test('all time out when one never yields', async () => {
    await withSandbox(async (sandbox) => {
      await init(sandbox, code, { concurrency: 50 });
      const others = Array.from({ length: 5 }, (_, n) => run(sandbox, { id: `r${n}`, mode: 'wait' }, { timeoutMs: 900 }));
      const busy = run(sandbox, { id: 'bad', mode: 'busy' }, { timeoutMs: 600 });
      for (const ended of await Promise.all([...others, busy])) assert.equal(ended.outcome.kind, 'timed-out');
      assert.deepEqual(printed(await busy), ['stdout: bad']);
      assert.equal(await sandbox.exited, 'killed');
    });
  });
});
