import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '#libs/domain';
import { NativeDriver } from '#libs/sandbox';
import { Logger } from '#libs/telemetry';
import {
  answer,
  eventually,
  init,
  printed,
  processesOf,
  run,
  runOnceOn,
  startSpawner,
  withSandboxOf,
  type TestSpawner,
} from '../support/sandboxes.js';

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

const withSandbox = <T>(use: (sandbox: Sandbox) => Promise<T>, memoryMiB = 256, from = driver): Promise<T> =>
  withSandboxOf(from, use, memoryMiB);

const runOnce = (code: string, args: unknown = {}, memoryMiB = 256): ReturnType<Sandbox['run']> => runOnceOn(driver, code, args, memoryMiB);

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

  test('opens no more than 1024 files, and nearly as many', async () => {
    const code = `const fs = require('fs');
      function main({ files }) {
        const open = [];
        try { while (open.length < files) open.push(fs.openSync('/dev/zero', 'r')); return { open: open.length } }
        catch ({ code }) { return { open: open.length, code } } finally { open.forEach((file) => fs.closeSync(file)) }
      }`;
    assert.deepEqual(answer(await runOnce(code, { files: 1000 })), { open: 1000 });
    const { open, code: why } = answer(await runOnce(code, { files: 1025 })) as { open: number; code: string };
    assert.ok(why === 'EMFILE' && open >= 1000, `${open} files, ${why}`);
  });

  test('may collect its garbage', async () => {
    assert.deepEqual(answer(await runOnce('function main() { global.gc(); return { fine: true } }')), { fine: true });
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
      ['EROFS', 'EROFS', 'EROFS', 'ENOSPC', 'null shm urandom zero'],
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
    const stranger = {
      spawner: spawner.address,
      token: 'not the token',
      name: 'stranger',
      logger: new Logger({}, 'error', () => undefined),
      connectMs: 200,
    };
    await assert.rejects(NativeDriver.connect(stranger), /no spawner answers/);
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

  test('is found out by itself; to insist on isolation ends the start with a reason', { skip: !isolatedHere }, async () => {
    const bin = mkdtempSync(join(tmpdir(), 'isochrone-it-bin-'));
    for (const name of ['sh', 'env', 'cat', 'nice', 'setpriv', 'prlimit', 'ldd']) symlinkSync(join('/usr/bin', name), join(bin, name));
    const plain = startSpawner({ path: bin });
    const strict = startSpawner({ path: bin, mode: 'native' });
    try {
      const mine = await plain.connect();
      assert.match(mine.info().warnings.join(), /NOT isolated \(bubblewrap is not installed\).*apt-get install bubblewrap/);
      await mine.close();
      await eventually('it ends', () => strict.child.exitCode !== null);
      assert.match(strict.log(), /sandboxes cannot be isolated here: bubblewrap is not installed/);
    } finally {
      assert.deepEqual([await plain.stop(), await strict.stop()], [0, 1]);
      rmSync(bin, { recursive: true });
    }
  });
});
