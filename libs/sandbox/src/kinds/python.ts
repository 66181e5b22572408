import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { z } from 'zod';

/** A Python of this machine. */
const Python = z.object({
  /** The interpreter itself, not a script that finds one. */
  program: z.string().startsWith('/'),
  /** Such as `3.11`. */
  version: z.string().regex(/^3\.\d{1,2}$/),
  /** Folder of the installation. */
  base: z.string().startsWith('/'),
  /** Folders of the standard library: modules, and those of them that are libraries. */
  stdlib: z.string().startsWith('/'),
  dynamic: z.string().startsWith('/'),
});
export type Python = z.infer<typeof Python>;

const oldestMinor = 8;
const askMs = 10_000;
const question = `
import json, os, sys, sysconfig
print(json.dumps({
    'program': os.path.realpath(getattr(sys, '_base_executable', sys.executable) or sys.executable),
    'version': '%d.%d' % sys.version_info[:2],
    'base': sys.base_prefix,
    'stdlib': sysconfig.get_path('stdlib'),
    'dynamic': os.path.join(sysconfig.get_path('platstdlib'), 'lib-dynload'),
}))
`;

/** Finds the first Python that serves kind python:3 in the folders of `path`, or says why there is none. */
export function findPython(path: string): Python | { readonly missing: string } {
  const reasons: string[] = [];
  for (const folder of path.split(delimiter)) {
    const program = join(folder, 'python3');
    if (!isExecutable(program)) continue;
    const found = ask(program, path);
    if ('program' in found) return found;
    reasons.push(found.missing);
  }
  return { missing: reasons[0] ?? 'Python 3 is not installed' };
}

function ask(program: string, path: string): Python | { readonly missing: string } {
  let text: string;
  try {
    // From a folder that says nothing about versions, as those of version managers do.
    text = execFileSync(program, ['-I', '-S', '-c', question], {
      encoding: 'utf8',
      timeout: askMs,
      cwd: '/',
      env: { PATH: path },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (cause) {
    return { missing: `${program} does not run: ${cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)}` };
  }
  const found = Python.safeParse(parsed(text));
  if (!found.success) return { missing: `${program} does not say what it is` };
  if (Number(found.data.version.split('.')[1]) < oldestMinor)
    return { missing: `${program} is Python ${found.data.version}: 3.${oldestMinor} or newer is needed` };
  return found.data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
