/** Command lines made with Go's cobra, as `wsk` and `wskdeploy` are: what they offer, read from their own help. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** What a command printed and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program, given its arguments. */
export type Run = (...args: string[]) => Promise<Ended>;

/** Runs a program in a folder, which is its user's home too. */
export function runner(file: string, cwd: string, env: Readonly<Record<string, string>>): Run {
  return async (...args) => {
    const child = spawn(file, args, {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close').then(([status]) => status as number | null),
    ]);
    return { code, stdout, stderr };
  };
}

/** The commands without commands below them, each as its user writes it, found by asking every command for its help. */
export async function commandsOf(run: Run, ...above: string[]): Promise<string[]> {
  const { stdout, stderr } = await run(...above, '--help');
  const [, list = ''] = /^Available Commands:\n((?: {2}.*\n)*)/m.exec(`${stdout}${stderr}`) ?? [];
  const found: string[] = [];
  for (const [, name = ''] of list.matchAll(/^ {2}(\S+)/gm))
    found.push(...(name === 'help' ? [name] : await commandsOf(run, ...above, name)));
  return found.length > 0 ? found : [above.join(' ')];
}
