/** The Terraform modules, by Terraform's own test command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../support/project.js';

test('terraform: the world module describes every region and refuses what is no world', () => {
  const cwd = join(projectRoot, 'terraform/modules/world');
  const terraform = (...args: string[]) => spawnSync('terraform', args, { cwd, encoding: 'utf8' });
  const { error } = terraform('version');
  assert.equal(error, undefined, 'terraform is needed for this proof: install it from your package source and put it on the PATH');
  assert.equal(terraform('init', '-backend=false').status, 0);
  const { status, stdout } = terraform('test');
  assert.equal(status, 0, stdout);
});
