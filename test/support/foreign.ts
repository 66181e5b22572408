/** Programs and modules of foreign clients, as the conformance tests find them installed. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectRoot } from './project.js';

const home = join(projectRoot, 'test/conformance/clients');

/** `require` as code beside the clients sees it. */
export const requireClient = createRequire(join(home, 'package.json'));

/** Where a client's package stands. */
export const clientFolder = (name: string): string => join(home, 'node_modules', name);

/** The version of a client that is installed. */
export function clientVersion(name: string): string {
  return (JSON.parse(readFileSync(join(clientFolder(name), 'package.json'), 'utf8')) as { version: string }).version;
}

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What it has for an environment, beside PATH. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs a client's script with Node.js until it ends. */
export function runScript(script: string, args: readonly string[], { env = {}, cwd }: RunOptions = {}): Promise<Ended> {
  const options = {
    env: { PATH: process.env['PATH'], ...env },
    ...(cwd !== undefined && { cwd }),
    timeout: 60_000,
    encoding: 'utf8' as const,
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** The flags that a text of help lists, each by its long name where it has one. */
export function flagsOf(help: string): string[] {
  const lines = help.split('\n').map((line) => /^ {2,}(?:-\w, )?(--?[A-Za-z][\w.-]*)/.exec(line)?.[1]);
  return [...new Set(lines.filter((flag) => flag !== undefined))];
}
