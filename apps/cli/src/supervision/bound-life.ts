import { spawnSync } from 'node:child_process';

/** A program and its arguments. */
export interface CommandLine {
  readonly file: string;
  readonly args: string[];
}

/** The same program, which gets `signal` when the process that started it ends, however that ended: where this system can arrange it. */
export function boundLife({ file, args }: CommandLine, signal: 'INT' | 'TERM'): CommandLine {
  return canBind() ? { file: 'setpriv', args: ['--pdeathsig', signal, '--', file, ...args] } : { file, args };
}

function canBind(): boolean {
  if (process.platform !== 'linux') return false;
  return spawnSync('setpriv', ['--pdeathsig', 'INT', '--', 'true'], { stdio: 'ignore', timeout: 5000 }).status === 0;
}
