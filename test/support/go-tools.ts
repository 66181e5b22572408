/** Programs of others that the Go toolchain builds from source, each from a module under test/conformance/tools that fixes every version. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project.js';

const buildMs = 600_000;

/** A program and the version of it that its module asks for. */
export interface GoTool {
  readonly file: string;
  readonly version: string;
}

/** Builds the one program that a module's `tools.go` names, unless this version stands in the cache. Throws with the command to type where it cannot. */
export function goTool(name: string): GoTool {
  const module = join(projectRoot, 'test/conformance/tools', name);
  const [, source = ''] = /^import _ "(.+)"$/m.exec(readFileSync(join(module, 'tools.go'), 'utf8')) ?? [];
  const required = readFileSync(join(module, 'go.mod'), 'utf8')
    .split('\n')
    .find((line) => line.includes(`${source} v`));
  const version = /v\S+$/.exec(required ?? '')?.[0];
  if (version === undefined) throw new Error(`${module} asks for no version of ${source}`);
  const file = join(projectRoot, '.cache/bin', `${name}-${version}`);
  if (existsSync(file)) return { file, version };
  const { status, stderr, error } = spawnSync('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', file, source], {
    cwd: module,
    env: { ...process.env, GOFLAGS: '-buildvcs=false' },
    encoding: 'utf8',
    timeout: buildMs,
  });
  if (status === 0) return { file, version };
  const said = error?.message ?? stderr.slice(-2000);
  throw new Error(`the tests need ${name}, which Go builds: (cd ${module} && go build -o ${file} ${source})\n${said}`);
}
