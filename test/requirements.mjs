/**
 * What the tests need beside npm packages. As root on Debian it is installed; anywhere else the run names the exact command and fails:
 * it never silently does less.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const runs = (line) => spawnSync('sh', ['-c', line], { stdio: 'ignore' }).status === 0;
const has = (command) => runs(`command -v ${command}`);

/** What must be there, whether it is, and the Debian package that brings it. */
const needs = [
  { pkg: 'bubblewrap', what: 'sandboxes', there: has('bwrap') },
  { pkg: 'util-linux', what: 'sandboxes under users of their own', there: has('setpriv') },
  { pkg: 'default-jre-headless', what: 'Apache Kafka', there: process.env.KAFKA_BROKERS || has('java') },
  { pkg: 'maven', what: "Apache Kafka's jars", there: process.env.KAFKA_BROKERS || has('mvn') },
  { pkg: 'python3-venv', what: 'schemathesis, and an S3 server where Go is missing', there: runs("python3 -c 'import ensurepip, venv'") },
  { pkg: 'golang-go', what: 'wskdeploy, and an S3 server', there: has('go') },
  { pkg: 'redis-server', what: 'openwhisk-composer where it runs in parallel', there: has('redis-server') },
  {
    pkg: 'python3',
    what: 'actions of kind python:3',
    there: runs("python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))'"),
  },
];

/** Installs or names what is missing. Throws with the command to type when it cannot install. */
export function provideRequirements(say) {
  if (process.platform !== 'linux') {
    throw new Error('the tests run on Linux: sandboxes are bubblewrap there (`npm start` works elsewhere)');
  }
  const missing = needs.filter(({ there }) => !there);
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
