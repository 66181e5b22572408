/**
 * What the tests need beside npm packages. As root on Debian it is installed; anywhere else the run names the exact command and fails:
 * it never silently does less.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;

/** Programs, and the Debian package that brings each. */
const programs = [
  { command: 'bwrap', pkg: 'bubblewrap', what: 'sandboxes' },
  { command: 'setpriv', pkg: 'util-linux', what: 'sandboxes under users of their own' },
  { command: 'java', pkg: 'default-jre-headless', what: 'Apache Kafka', unless: process.env.KAFKA_BROKERS },
  { command: 'mvn', pkg: 'maven', what: "Apache Kafka's jars", unless: process.env.KAFKA_BROKERS },
  { command: 'python3', pkg: 'python3', what: 'a real S3 server', unless: has('go') },
];

/** Installs or names what is missing. Throws with the command to type when it cannot install. */
export function provideRequirements(say) {
  if (process.platform !== 'linux') {
    throw new Error('the tests run on Linux: sandboxes are bubblewrap there (`npm start` works elsewhere)');
  }
  const missing = programs.filter(({ command, unless }) => !unless && !has(command));
  if (missing.length === 0) return;
  const packages = missing.map(({ pkg }) => pkg);
  const install = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const why = missing.map(({ pkg, what }) => `${pkg} (${what})`).join(', ');
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version') || !has('apt-get')) {
    throw new Error(`the tests need ${why}; install it with: sudo ${install}`);
  }
  say(`installing ${why}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update', '-qq'], install.split(' ').slice(1)]) {
    const { status } = spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env });
    if (status !== 0) throw new Error(`'apt-get ${args.join(' ')}' failed; the tests need ${why}`);
  }
}
