import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMounts } from './cgroup.js';
import { nativeCommand, processCommand, shellWords } from './launch.js';

const launch = {
  root: {
    folder: '/r',
    program: '/bin/node',
    host: '/usr/bin/node',
    entry: '/runtime/proxy.cjs',
    flags: (memoryMiB: number) => [`--flag=${memoryMiB}`],
    environment: (at: string) => ({ CERTIFICATES: `${at}/etc/cert.pem` }),
  },
  slotFolder: '/slots/0',
  memoryMiB: 256,
  uid: 200_003,
  pidsMax: 64,
  filtered: true,
};
const programs = { bwrap: '--disable-userns --size', setpriv: true, prlimit: true };
const has = (command: readonly string[], ...part: string[]): boolean => command.join(' ').includes(part.join(' '));

test('an isolated sandbox starts as its own user, with nothing of its parent', () => {
  const command = nativeCommand(launch, programs);
  assert.ok(has(command, 'setpriv --reuid 200003 --regid 200003 --clear-groups --inh-caps=-all --bounding-set=-all bwrap'));
  for (const part of ['--unshare-net', '--cap-drop ALL', '--clearenv', '--disable-userns', '--seccomp 3', '--ro-bind /slots/0 /s']) {
    assert.ok(has(command, part), part);
  }
  assert.ok(has(command, '--size', String(128 * 1024 * 1024), '--tmpfs /tmp'));
  assert.ok(has(command, '--setenv CERTIFICATES /etc/cert.pem'));
  assert.ok(has(command, '-- /bin/node --flag=256 /runtime/proxy.cjs /s/s'));
});

test('flags that this bubblewrap does not know are left out', () => {
  const command = nativeCommand({ ...launch, filtered: false }, { ...programs, bwrap: '' });
  for (const flag of ['--disable-userns', '--size', '--seccomp']) assert.ok(!command.includes(flag), flag);
});

test('a plain sandbox ends with its parent and has an environment of its own', () => {
  assert.ok(has(processCommand(launch, programs), 'prlimit --nproc=64 setpriv --reuid 200003'));
  assert.ok(has(processCommand(launch, programs), '/r/bin/node --flag=256 /r/runtime/proxy.cjs /slots/0/s'));
  const command = processCommand({ ...launch, uid: undefined }, programs);
  assert.ok(has(command, '/usr/bin/node --flag=256'));
  assert.ok(command.includes('CERTIFICATES=/r/etc/cert.pem'));
  assert.ok(has(command, 'setpriv --no-new-privs --pdeathsig KILL'));
  assert.deepEqual(command.slice(0, 2), ['env', '-i']);
});

test('a shell reads exactly the words that were meant', () => {
  assert.equal(shellWords(["it's", 'a b', '$x']), `'it'\\''s' 'a b' '$x'`);
});

test('control group hierarchies are found by controller, whatever they are mounted with', () => {
  const mounts = readMounts(
    [
      '25 20 0:22 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755',
      '26 25 0:23 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw',
      '29 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:13 - cgroup cgroup rw,cpu,cpuacct',
      '30 25 0:27 / /mnt/with\\040space rw - cgroup cgroup rw,memory',
    ].join('\n'),
  );
  assert.deepEqual(
    ['2', 'cpu', 'cpuacct', 'memory', 'pids'].map((name) => mounts.get(name)),
    ['/sys/fs/cgroup/unified', '/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct', '/mnt/with space', undefined],
  );
});
