import { spawnSync } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { findKinds } from '#libs/sandbox';
import { holderOf } from '../world/lock.js';
import { findPostgres } from '../world/native.js';
import { isFree, listenerOf } from '../world/ports.js';
import { firstRegionOffset } from '../world/plan.js';
import { standardRegions } from '../world/geography.js';
import { readArguments, type Command, type Surroundings, type Where } from './command.js';

/** One thing this machine has or lacks. `needed`: a world cannot start without it. */
interface Finding {
  readonly what: string;
  readonly well: boolean;
  readonly needed: boolean;
  readonly detail: string;
  /** What brings it. */
  readonly remedy?: string;
}

const diskMin = 2 * 1024 ** 3;

/** Says what this machine has and lacks, each with the command that brings it. Exit code 1 when a world could not start. */
export const doctor: Command = {
  usage: 'doctor [--port N] [--data DIR]',
  about: 'say what this machine has and lacks, and what brings the rest',
  async run(surroundings) {
    const { where } = readArguments(surroundings, doctor.usage, []);
    const findings = [
      ...programs(),
      isolation(),
      cgroups(),
      postgres(),
      ...kinds(surroundings, where),
      disk(surroundings.root, where),
      ...(await ports(where)),
    ];
    for (const { what, well, needed, detail, remedy } of findings) {
      const sign = well ? 'ok     ' : needed ? 'MISSING' : 'absent ';
      surroundings.print(`${sign}  ${what.padEnd(22)} ${detail}${well || remedy === undefined ? '' : `\n${' '.repeat(9)}${remedy}`}`);
    }
    return findings.every(({ well, needed }) => well || !needed) ? 0 : 1;
  },
};

function programs(): Finding[] {
  const packages = [
    { what: 'npm', args: ['--version'], needed: true, why: 'comes with Node.js', remedy: 'install Node.js from https://nodejs.org' },
    { what: 'bwrap', args: ['--version'], needed: false, why: 'isolates sandboxes', remedy: 'sudo apt-get install -y bubblewrap' },
    { what: 'setpriv', args: ['--version'], needed: false, why: 'drops rights of sandboxes', remedy: 'sudo apt-get install -y util-linux' },
    { what: 'java', args: ['-version'], needed: false, why: 'for QUEUE=kafka', remedy: 'sudo apt-get install -y default-jre-headless' },
    {
      what: 'mvn',
      args: ['--version'],
      needed: false,
      why: "for QUEUE=kafka, collects Kafka's jars",
      remedy: 'sudo apt-get install -y maven',
    },
  ];
  const node: Finding = { what: 'node', well: true, needed: true, detail: `${process.version} (20.19 or newer)` };
  return [
    node,
    ...packages.map(({ what, args, needed, why, remedy }): Finding => {
      const { status, stdout, stderr } = spawnSync(what, args, { encoding: 'utf8', timeout: 20_000 });
      const [version = ''] = stripVTControlCharacters(`${stdout ?? ''}${stderr ?? ''}`)
        .trim()
        .split('\n');
      const well = status === 0;
      return { what, well, needed, detail: well ? version : why, remedy };
    }),
  ];
}

function isolation(): Finding {
  const args = ['--unshare-all', '--ro-bind', '/', '/', 'true'];
  const { status, stderr } = spawnSync('bwrap', args, { encoding: 'utf8', timeout: 10_000 });
  const [why = ''] = (stderr ?? '').trim().split('\n');
  return {
    what: 'user namespaces',
    well: status === 0,
    needed: false,
    detail: status === 0 ? 'bubblewrap can isolate' : why || 'bubblewrap is not there to try',
    remedy: 'sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0',
  };
}

function cgroups(): Finding {
  const version = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : existsSync('/sys/fs/cgroup/memory') ? 'v1' : undefined;
  return {
    what: 'cgroups',
    well: version !== undefined,
    needed: false,
    detail: version ?? 'limits of memory and processes are then kept by other means',
    remedy: 'boot a Linux with cgroups mounted on /sys/fs/cgroup',
  };
}

function kinds({ env }: Surroundings, { folder }: Where): Finding[] {
  return findKinds(folder.runtimes, env['PATH'] ?? '').map(({ kind, here, detail, remedy }): Finding => ({
    what: `kind ${kind}`,
    well: here,
    needed: false,
    detail,
    ...(remedy !== undefined && { remedy }),
  }));
}

function postgres(): Finding {
  try {
    return { what: 'postgres', well: true, needed: true, detail: findPostgres().postgres };
  } catch (error) {
    return {
      what: 'postgres',
      well: false,
      needed: true,
      detail: error instanceof Error ? error.message : String(error),
      remedy: 'npm ci',
    };
  }
}

function disk(root: string, { folder }: Where): Finding {
  const at = existsSync(folder.path) ? folder.path : root;
  const { bavail, bsize } = statfsSync(at);
  const free = bavail * bsize;
  const detail = `${(free / 1024 ** 3).toFixed(1)} GiB free at ${at} (2 are enough to begin)`;
  return { what: 'disk', well: free >= diskMin, needed: true, detail, remedy: 'free some, or choose another folder with --data' };
}

async function ports({ folder, port = 3233 }: Where): Promise<Finding[]> {
  const runs = holderOf(folder.lock) !== undefined;
  const wanted = [port, ...standardRegions.map((_, index) => port + firstRegionOffset + index)];
  if (runs) return [{ what: 'ports', well: true, needed: true, detail: 'a world runs here and has its own' }];
  return Promise.all(
    wanted.map(async (each): Promise<Finding> => {
      const well = await isFree(each);
      const who = well ? 'free' : `in use${listenerOf(each) === undefined ? '' : ` by ${listenerOf(each)}`}`;
      return { what: `port ${each}`, well, needed: true, detail: who, remedy: 'end that, or choose other ports with --port' };
    }),
  );
}
