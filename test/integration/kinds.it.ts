/** Sandboxes of every kind but the standard one, with the real npm registry and the Python of this machine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '#libs/domain';
import { bringNode, nodePackageOf, npmEnvironment, type NativeDriver } from '#libs/sandbox';
import { answer, init, printed, run, startSpawner, withSandboxOf, zipOf, type TestSpawner } from '../support/sandboxes.js';

const KiB = 1024;
const store = mkdtempSync(join(tmpdir(), 'isochrone-kinds-'));
const spawners: TestSpawner[] = [];
const drivers: NativeDriver[] = [];

async function connect(options: Parameters<typeof startSpawner>[0] = {}): Promise<NativeDriver> {
  const spawner = startSpawner({ store, ...options });
  spawners.push(spawner);
  const driver = await spawner.connect();
  drivers.push(driver);
  return driver;
}

after(async () => {
  await Promise.all(drivers.map((driver) => driver.close()));
  await Promise.all(spawners.map((spawner) => spawner.stop()));
  rmSync(store, { recursive: true, force: true });
});

let driver: NativeDriver;
before(async () => {
  driver = await connect();
});

/** Code in a Python sandbox of its own; what it answers to `use`. */
const withPython = <T>(use: (sandbox: Sandbox) => Promise<T>, from = driver, memoryMiB = 256): Promise<T> =>
  withSandboxOf(from, use, memoryMiB, 'python:3');

/** Loads and runs once. */
const runOnce = (code: string | Uint8Array, args: unknown = {}, more: Parameters<typeof run>[2] = {}, from = driver) =>
  withPython(async (sandbox) => {
    assert.deepEqual((await init(sandbox, code)).outcome, { kind: 'ok' });
    return run(sandbox, args, more);
  }, from);

/** Loads what does not load: the answer's error, and what was printed. */
const failing = (code: string | Uint8Array, main = 'main') =>
  withPython(async (sandbox) => {
    const ended = await init(sandbox, code, { main });
    return { error: answer(ended)['error'], printed: printed(ended).join('\n') };
  });

/** Creates a sandbox, again where that takes longer than one creation may: a runtime is being brought meanwhile. */
async function eventually(from: NativeDriver, kind: string): Promise<Sandbox> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await from.create({ kind, memoryMiB: 256 });
    } catch (error) {
      if (tries === 8) throw error;
      await sleep(200);
    }
  }
}

describe('a Python action', () => {
  test('gets arguments and environment, and its prints arrive in form and order, those of child processes too', async () => {
    await withPython(async (sandbox) => {
      const code = `
import os, subprocess, sys
print('loading')
def main(args):
    print('snow ☃')
    print('  b  ', file=sys.stderr)
    sys.stdout.write('two\\nlines\\n')
    if args.get('child'):
        subprocess.run([sys.executable, '-c', 'print("from a child")'])
    sys.stdout.write('end')
    return {'args': args, 'a': os.environ['A'], 'b': os.environ['__OW_B']}`;
      const loaded = await init(sandbox, code, { env: { A: 'plain' } });
      assert.deepEqual([loaded.outcome, printed(loaded)], [{ kind: 'ok' }, ['stdout: loading']]);
      const ended = await run(sandbox, { x: [1, 'é\0'] }, { env: { __OW_B: 'per run' } });
      assert.deepEqual(answer(ended), { args: { x: [1, 'é\0'] }, a: 'plain', b: 'per run' });
      assert.deepEqual(printed(ended), ['stdout: snow ☃', 'stderr:   b  ', 'stdout: two', 'stdout: lines', 'stdout: end']);
      const second = await run(sandbox, { child: true }, { env: { __OW_B: 'again' } });
      assert.equal(answer(second)['b'], 'again');
      assert.match(printed(second).join('\n'), /from a child/);
    });
  });

  test('answers as OpenWhisk’s runtime does', async () => {
    const bodies = [
      ['return {"a": "é"}', true, '{"a":"é"}'],
      ['return ["a", 1]', true, '["a",1]'],
      ['return None', true, 'null'],
      ['return "text"', false, '{"error":"The action did not return a dictionary or array."}'],
      ['return {"n": float("nan")}', false, '{"error":"The action did not return a dictionary or array."}'],
      ['return {"o": object()}', false, '{"error":"The action did not return a dictionary or array."}'],
      ['raise ValueError("not good")', true, '{"error":"not good"}'],
      ['raise SystemExit(1)', false, '{"error":"command exited"}'],
    ] as const;
    for (const [code, ok, body] of bodies) {
      const { outcome } = await runOnce(`def main(args):\n    ${code}`);
      assert.deepEqual(outcome, { kind: 'answered', phase: 'run', ok, body, bytes: Buffer.byteLength(body) }, code);
    }
    const raised = await runOnce('def main(args):\n    return 1 / 0');
    assert.match(
      printed(raised).join('\n'),
      /stderr: Traceback[\s\S]*main__.py", line 2, in main[\s\S]*ZeroDivisionError: division by zero/,
    );
  });

  test('that does not load says why', async () => {
    const unbuilt = 'The action failed to generate or locate a binary. See logs for details.';
    const unstarted = 'Cannot start action. Check logs for details.';
    const zip = await zipOf({ 'echo.py': 'def main(a): return a' });
    const invalid = await zipOf({ '__main__.py': 'def main(a): return a', 'virtualenv/readme.md': 'empty' });
    for (const [code, error, text] of [
      [' 10 PRINT "Hello!"\n 20 GOTO 10\n', unbuilt, /IndentationError/],
      ['def main(args:\n', unbuilt, /SyntaxError/],
      ['import iamnotsupported\ndef main(args): return args', unstarted, /Traceback[\s\S]*No module named 'iamnotsupported'/],
      ['def niam(args): return args', unstarted, /cannot import name 'main'/],
      ['import sys\nsys.exit(1)', unstarted, /Command exited abruptly during initialization\./],
      [zip, unbuilt, /Zip file does not include main__/],
      [invalid, unbuilt, /Invalid virtualenv\. Zip file does not include 'activate_this\.py'\./],
    ] as const) {
      const failed = await failing(code);
      assert.equal(failed.error, error);
      assert.match(failed.printed, text);
    }
    assert.match(String((await failing(Buffer.from('no zip'))).error), /^There was an error uncompressing the action archive\./);
  });

  test('comes in a zip, with modules, files, packages of its own and another entry point', async () => {
    const zip = await zipOf({
      '__main__.py':
        'import echo, carried\ndef niam(args):\n    with open("words") as file:\n        return {"echo": echo.echo(args), "words": file.read(), "carried": carried.name}',
      'echo.py': 'def echo(args): return args',
      words: 'read from here',
      'virtualenv/bin/activate_this.py':
        'import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(__file__)), "lib"))',
      'virtualenv/lib/carried.py': 'name = "carried along"',
    });
    await withPython(async (sandbox) => {
      assert.deepEqual((await init(sandbox, zip, { main: 'niam' })).outcome, { kind: 'ok' });
      assert.deepEqual(answer(await run(sandbox, { m: 1 })), { echo: { m: 1 }, words: 'read from here', carried: 'carried along' });
    });
  });

  test('has the standard library, and of this machine nothing else', async () => {
    const code = `
import asyncio, bz2, ctypes, hashlib, lzma, os, site, sqlite3, ssl, sys, urllib.request, zoneinfo, datetime
def main(args):
    seen = [path for path in args['hidden'] if os.path.exists(path)]
    packages = [path for path in sys.path if path.endswith('-packages')]
    summer = datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')) if os.path.isdir('/usr/share/zoneinfo') else None
    return {'seen': seen, 'packages': packages, 'uid': os.getuid(), 'env': sorted(os.environ), 'roots': len(ssl.create_default_context().get_ca_certs()) > 50, 'summer': summer and str(summer)}`;
    const host = spawnSync('python3', ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], { encoding: 'utf8' });
    const hidden = ['/root', '/home', '/work', '/var', '/usr/bin', '/etc/shadow', '/etc/ssl/private', process.cwd(), host.stdout.trim()];
    const seen = answer(await runOnce(code, { hidden }));
    assert.deepEqual(
      { ...seen, seen: (seen['seen'] as string[]).filter((path) => path !== '/root'), summer: undefined },
      { seen: [], packages: [], uid: 1000, env: ['HOME', 'LANG', 'PATH', 'PWD', 'SSL_CERT_FILE'], roots: true, summer: undefined },
    );
    if (existsSync('/usr/share/zoneinfo/Europe/Berlin')) assert.equal(seen['summer'], '2024-07-01 00:00:00+02:00');
  });

  test('is kept within its limits', async () => {
    const hog = await runOnce('def main(args):\n    held = []\n    while True: held.append(bytearray(8_000_000))');
    assert.deepEqual(hog.outcome, { kind: 'out-of-memory', phase: 'run' });
    const endless = await runOnce('def main(args):\n    print("begun")\n    while True: pass', {}, { timeoutMs: 500 });
    assert.deepEqual([endless.outcome.kind, printed(endless)], ['timed-out', ['stdout: begun']]);
    const gone = await runOnce('import os\ndef main(args):\n    print("last words")\n    os._exit(3)');
    assert.deepEqual([gone.outcome, printed(gone)], [{ kind: 'exited', phase: 'run' }, ['stdout: last words']]);
    const bomb = `
import os, time
def main(args):
    made = 0
    try:
        while True:
            if os.fork() == 0: time.sleep(600)
            made += 1
    except OSError: return {'made': made}`;
    assert.ok((answer(await runOnce(bomb))['made'] as number) < 64);
    const loud = await runOnce('def main(args):\n    for n in range(9999): print("line", n)\n    return {}', {}, { logBytes: 4 * KiB });
    assert.equal(loud.logs.truncated, true);
    const large = await runOnce('def main(args):\n    return {"x": "é" * 3000}', {}, { resultBytes: KiB });
    assert.ok(large.outcome.kind === 'answered' && large.outcome.bytes > 6000 && Buffer.byteLength(large.outcome.body) <= KiB);
  });

  test('that forks answers once, from its first process', async () => {
    const code = `
import os
def main(args):
    child = os.fork()
    if child == 0:
        print('child')
        return {'from': 'child'}
    os.waitpid(child, 0)
    return {'from': 'parent'}`;
    assert.deepEqual(answer(await runOnce(code)), { from: 'parent' });
  });

  test('runs without isolation too', async () => {
    const plain = await connect({ mode: 'process' });
    const ended = await runOnce('import ssl, sys\ndef main(args):\n    print(args["n"])\n    return {"n": args["n"]}', { n: 7 }, {}, plain);
    assert.deepEqual([answer(ended), printed(ended)], [{ n: 7 }, ['stdout: 7']]);
  });
});

describe('another version of Node.js', () => {
  test('comes from the npm registry, once for all spawners of a machine', async () => {
    const other = await connect();
    const drafts = new Set<string>();
    const watch = setInterval(() => readdirSync(store).forEach((name) => name.startsWith('draft-') && drafts.add(name)), 5);
    const sandboxes = await Promise.all([driver, driver, other].map((from) => eventually(from, 'nodejs:22')));
    clearInterval(watch);
    assert.equal(drafts.size, 1);
    for (const sandbox of sandboxes) {
      assert.deepEqual((await init(sandbox, 'function main() { return { version: process.version }; }')).outcome, { kind: 'ok' });
      assert.match(String(answer(await run(sandbox))['version']), /^v22\./);
      await sandbox.kill();
    }
  });

  test('that cannot be had is told and tried again, and no other kind waits for it', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'isochrone-kinds-'));
    const closed = await connect({ registry: 'http://127.0.0.1:9/', store: empty });
    const told: unknown = await closed.create({ kind: 'nodejs:24', memoryMiB: 256 }).catch((error: Error) => error.cause);
    assert.match(String(told), /node-[a-z0-9-]+@24\.\S+ could not be brought from the npm registry: .*ECONNREFUSED/);
    assert.match(spawners.at(-1)?.log() ?? '', /"a runtime cannot be had; its actions do not run"/);
    await withPython((sandbox) => init(sandbox, 'def main(a): return a'), closed);
    await withSandboxOf(closed, (sandbox) => init(sandbox, 'function main() {}'));
    assert.deepEqual(readdirSync(empty), []);
    rmSync(empty, { recursive: true, force: true });
  });

  test('whose archive is not the one that is meant is not used', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'isochrone-kinds-'));
    const wanted = nodePackageOf('nodejs:22');
    assert.ok(wanted);
    const forged = { ...wanted, integrity: `sha512-${Buffer.alloc(64).toString('base64')}` };
    await assert.rejects(bringNode(forged, { folder, env: npmEnvironment(process.env) }), /EINTEGRITY/);
    assert.deepEqual(readdirSync(folder), []);
    rmSync(folder, { recursive: true, force: true });
  });
});
