import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '#libs/domain';
import type { NativeDriver } from '#libs/sandbox';
import {
  answer,
  eventually,
  init,
  printed,
  processesOf,
  renamed,
  run,
  startSpawner,
  zipOf,
  type TestSpawner,
} from '../support/sandboxes.js';

const MiB = 1024 * 1024;
const isolatedHere =
  process.platform === 'linux' && ['/usr/bin/bwrap', '/bin/bwrap', '/usr/local/bin/bwrap'].some((path) => existsSync(path));
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

/** A sandbox for the length of `use`. */
async function withSandbox<T>(use: (sandbox: Sandbox) => Promise<T>, memoryMiB = 256, from: NativeDriver = driver): Promise<T> {
  const sandbox = await from.create({ kind: 'nodejs:20', memoryMiB });
  try {
    return await use(sandbox);
  } finally {
    await sandbox.kill();
  }
}

/** Loads code that must load, runs it once. */
function runOnce(code: string, args: unknown = {}, memoryMiB = 256): ReturnType<Sandbox['run']> {
  return withSandbox(async (sandbox) => {
    assert.equal((await init(sandbox, code)).outcome.kind, 'ok');
    return run(sandbox, args);
  }, memoryMiB);
}

describe('an action', () => {
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
    const zip = await zipOf(Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`f${n}`, ''])));
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

describe('a hostile action', () => {
  test('that exits or loops while it loads', async () => {
    await withSandbox(async (sandbox) => {
      const ended = await init(sandbox, 'console.log("so far"); process.exit(0)');
      assert.deepEqual([ended.outcome, printed(ended)], [{ kind: 'exited', phase: 'init' }, ['stdout: so far']]);
    });
    await withSandbox(async (sandbox) => {
      const { outcome, durationMs } = await init(sandbox, 'for (;;);', { timeoutMs: 400 });
      assert.deepEqual(outcome, { kind: 'timed-out', phase: 'init', timeoutMs: 400 });
      assert.ok(durationMs >= 400);
      assert.equal(await sandbox.exited, 'killed');
    });
  });

  test('cannot take more memory than its own, inside the heap or outside', async () => {
    await withSandbox(async (neighbour) => {
      await init(neighbour, 'function main() { return { fine: true } }');
      for (const bomb of [
        'function main() { console.log("boom"); const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)) }',
        'function main() { console.log("boom"); const all = []; for (;;) all.push(new Array(1000).fill(all.length)) }',
      ]) {
        const ended = await runOnce(bomb, {}, 128);
        assert.deepEqual(ended.outcome, { kind: 'out-of-memory', phase: 'run' });
        assert.equal(printed(ended)[0], 'stdout: boom');
      }
      assert.deepEqual(answer(await run(neighbour)), { fine: true });
    });
  });

  test('cannot fork without end, and leaves no process', { skip: !asRoot }, async () => {
    await withSandbox(async (neighbour) => {
      await init(neighbour, 'function main() { return { fine: true } }');
      const before = processesOf(spawner).length;
      await withSandbox(async (sandbox) => {
        const bomb = `const { spawn } = require('child_process');
          function main() { return new Promise(() => { const go = () => { try { spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' }).on('error', () => {}) } catch {} }; setInterval(go, 5) }) }`;
        await init(sandbox, bomb);
        const ended = run(sandbox, {}, { timeoutMs: 3000 });
        await sleep(1500);
        assert.ok(processesOf(spawner).length - before <= 64);
        assert.deepEqual(answer(await run(neighbour)), { fine: true });
        assert.notEqual((await ended).outcome.kind, 'answered');
      }, 512);
      await eventually('the bomb is gone', () => processesOf(spawner).length <= before + 2);
    });
  });

  test('cannot pass nonsense or a flood to the invoker', async () => {
    const own = `const socket = process._getActiveHandles().find((h) => h.remoteAddress === undefined && h.readable && h._handle && h !== process.stdin);`;
    const ended = await runOnce(`${own} function main() { socket.write(Buffer.alloc(100, 255)); return new Promise(() => {}) }`);
    assert.deepEqual(ended.outcome, { kind: 'exited', phase: 'run' });
    const flood = await runOnce(
      `function main() { const fs = require('fs'); const all = Buffer.alloc(1 << 20, 'x\\n'); for (let n = 0; n < 24; n++) fs.writeSync(1, all); return {} }`,
    );
    assert.equal(flood.outcome.kind, 'answered');
  });
});

describe('isolation', { skip: !isolatedHere }, () => {
  test('is claimed where it is', () => {
    assert.deepEqual([driver.info().driver, driver.info().isolated, driver.info().kinds.includes('nodejs:20')], ['native', true, true]);
  });

  test('no root, no capabilities, no new privileges, filtered calls, no namespaces', async () => {
    const seen = answer(
      await runOnce(`function main() { const status = require('fs').readFileSync('/proc/self/status', 'utf8');
        const field = (name) => new RegExp('^' + name + ':\\\\s+(\\\\S+)', 'm').exec(status)[1];
        return { uid: process.getuid(), host: field('Uid'), caps: field('CapEff') + field('CapBnd'), privileges: field('NoNewPrivs'), filter: field('Seccomp'),
          processes: require('fs').readdirSync('/proc').filter((n) => /^\\d+$/.test(n)).length } }`),
    );
    assert.notEqual(seen['uid'], 0);
    assert.match(String(seen['caps']), /^0+$/);
    assert.deepEqual([seen['privileges'], seen['filter'], seen['processes']], ['1', '2', 2]);
  });

  test('no files of the host, nothing to write but /tmp, and that is capped', async () => {
    const seen = answer(
      await runOnce(`const fs = require('fs'); const attempt = (f) => { try { return String(f()) } catch (e) { return e.code } };
        function main() { return { passwd: fs.readFileSync('/etc/passwd', 'utf8'), root: attempt(() => fs.readdirSync('/root')), shadow: attempt(() => fs.readFileSync('/etc/shadow')),
          home: fs.readdirSync('/').sort().join(' '), env: JSON.stringify(process.env), init: attempt(() => fs.readFileSync('/proc/1/environ', 'utf8')),
          write: attempt(() => fs.writeFileSync('/runtime/x', '')), bin: attempt(() => fs.writeFileSync('/bin/node', '')), slot: attempt(() => fs.writeFileSync('/s/x', '')),
          sysctl: attempt(() => fs.writeFileSync('/proc/sys/kernel/hostname', 'x')), dev: fs.readdirSync('/dev').sort().join(' '),
          full: attempt(() => { const fd = fs.openSync('/tmp/big', 'w'); const b = Buffer.alloc(1 << 20); for (let n = 0; n < 400; n++) fs.writeSync(fd, b) }) } }`),
    );
    assert.match(String(seen['passwd']), /^action:/);
    assert.doesNotMatch(String(seen['passwd']), /root/);
    assert.deepEqual([seen['root'], seen['shadow']], ['ENOENT', 'ENOENT']);
    assert.doesNotMatch(`${String(seen['env'])}${String(seen['init'])}`, /hush|ISOCHRONE/);
    assert.deepEqual(
      [seen['write'], seen['bin'], seen['slot'], seen['full'], seen['dev']],
      ['EROFS', 'EROFS', 'EROFS', 'ENOSPC', 'null urandom zero'],
    );
    assert.match(String(seen['sysctl']), /^E(ROFS|ACCES|PERM)$/);
  });

  test('no network', async () => {
    const seen = answer(
      await runOnce(`const net = require('net');
        const dial = (o) => new Promise((done) => { const s = net.connect(o); s.on('error', (e) => done(e.code)); s.on('connect', () => done('connected')); });
        async function main() { return { out: await dial({ host: '1.1.1.1', port: 443 }), meta: await dial({ host: '169.254.169.254', port: 80 }),
          interfaces: Object.keys(require('os').networkInterfaces()).join() } }`),
    );
    assert.deepEqual(seen, { out: 'ENETUNREACH', meta: 'ENETUNREACH', interfaces: 'lo' });
  });

  test('a frozen sandbox uses no time, wakes up for a run, and dies though frozen', async () => {
    await withSandbox(async (sandbox) => {
      await init(sandbox, 'let n = 0; setInterval(() => n++, 5); function main() { return { n } }');
      const { n: atFirst } = answer(await run(sandbox));
      await sandbox.freeze();
      await sleep(400);
      await sandbox.thaw();
      assert.ok(Number(answer(await run(sandbox))['n']) - Number(atFirst) < 40);
      await sandbox.freeze();
      assert.ok('n' in answer(await run(sandbox)));
      await sandbox.freeze();
      await sandbox.kill();
      assert.equal(await sandbox.exited, 'killed');
    });
  });
});

describe('a life ends', () => {
  test('when the connection of the invoker closes: its sandboxes die, others live', { skip: !asRoot }, async () => {
    const other = await spawner.connect();
    const mine = await other.create({ kind: 'nodejs:20', memoryMiB: 256 });
    const frozen = await other.create({ kind: 'nodejs:20', memoryMiB: 256 });
    await init(mine, 'function main() { for (;;); }');
    await frozen.freeze();
    const running = run(mine);
    await withSandbox(async (survivor) => {
      await init(survivor, 'function main() { return { alive: true } }');
      const before = processesOf(spawner).length;
      await Promise.all([other.close(), running]);
      await eventually('two trees are gone', () => processesOf(spawner).length <= before - 4);
      assert.deepEqual(answer(await run(survivor)), { alive: true });
    });
  });

  test('a wrong token and an unknown kind are refused', async () => {
    await assert.rejects(driver.create({ kind: 'cobol:85', memoryMiB: 256 }), { code: 'unavailable' });
  });

  test('when the spawner is killed no process stays, frozen or not; the next one is found and clears up', { skip: !asRoot }, async () => {
    const first = startSpawner();
    const mine = await first.connect();
    const busy = await mine.create({ kind: 'nodejs:20', memoryMiB: 256 });
    const frozen = await mine.create({ kind: 'nodejs:20', memoryMiB: 256 });
    await init(busy, 'function main() { for (;;); }');
    await frozen.freeze();
    const running = run(busy);
    await sleep(100);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    assert.equal((await running).outcome.kind, 'internal');
    assert.deepEqual(await Promise.all([busy.exited, frozen.exited]), ['killed', 'killed']);
    await eventually('no process is left', () => processesOf(first).length === 0);
    const second = startSpawner({ dir: first.dir, firstUid: first.firstUid });
    await withSandbox(
      async (sandbox) => {
        await init(sandbox, 'function main() { return { again: true } }');
        assert.deepEqual(answer(await run(sandbox)), { again: true });
        assert.equal(readdirSync(join(first.dir, 'sandboxes/slots')).length, 1);
      },
      256,
      mine,
    );
    await mine.close();
    assert.equal(await second.stop(), 0);
  });
});

describe('without bubblewrap', () => {
  test('actions run in plain processes, bounded still, and the operator is told what to do', async () => {
    const plain = startSpawner({ mode: 'process' });
    const mine = await plain.connect();
    try {
      assert.deepEqual([mine.info().driver, mine.info().isolated], ['process', false]);
      assert.match(mine.info().warnings.join(), /apt-get install bubblewrap/);
      await withSandbox(
        async (sandbox) => {
          await init(
            sandbox,
            'function main(a) { console.log("hi"); return { a, uid: process.getuid(), env: process.env.SECRET_OF_THE_HOST ?? "none" } }',
          );
          const ended = await run(sandbox, 1);
          assert.deepEqual([answer(ended)['a'], answer(ended)['env'], printed(ended)], [1, 'none', ['stdout: hi']]);
          if (asRoot) assert.notEqual(answer(ended)['uid'], 0);
        },
        256,
        mine,
      );
      await withSandbox(
        async (sandbox) => {
          await init(sandbox, 'function main() { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)) }');
          assert.equal((await run(sandbox)).outcome.kind, 'out-of-memory');
        },
        128,
        mine,
      );
      await withSandbox(
        async (sandbox) => {
          await init(
            sandbox,
            'function main() { require("child_process").spawn(process.execPath, ["-e", "for(;;);"], { detached: true, stdio: "ignore" }); for (;;); }',
          );
          assert.equal((await run(sandbox, {}, { timeoutMs: 500 })).outcome.kind, 'timed-out');
          assert.equal(await sandbox.exited, 'killed');
        },
        256,
        mine,
      );
    } finally {
      await mine.close();
      await plain.stop();
    }
    if (asRoot) await eventually('no process is left', () => processesOf(plain).length === 0);
  });
});
