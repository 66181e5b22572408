import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identities, Identity } from '#libs/auth';
import { Failure, limitProfiles, type Action, type NamespaceId } from '#libs/domain';
import type { Reference } from '../definitions/reference.js';
import type { Resolver, ResolvedAction } from '../definitions/resolver.js';
import type { Settings } from '../settings.js';
import { SequenceCheck } from './sequence-check.js';

const ann: Identity = { subject: 'ann', namespace: 'ann', ns: 'a-id' as NamespaceId, limits: {} };

/** Checks the sequence `ann/s` in a world of sequences by name; `bound` stands for the package `p`, names without an entry for code. */
function check(components: readonly string[], sequences: Readonly<Record<string, readonly string[]>> = {}): Promise<void> {
  const action = (_caller: Identity, { pkg, name }: Reference): Promise<ResolvedAction> => {
    if (name === 'none') return Promise.reject(new Failure('not-found'));
    const names = sequences[name];
    const exec = names ? { type: 'sequence', kind: 'sequence', components: names } : { type: 'code' };
    const path = pkg === 'bound' ? `p/${name}` : name;
    return Promise.resolve({ action: { exec, path } as unknown as Action, owner: { name: 'ann', ns: ann.ns } } as ResolvedAction);
  };
  const identities = { byNamespace: () => Promise.resolve(ann) } as unknown as Identities;
  const settings = { profile: limitProfiles.openwhisk } as Settings;
  const self = { namespace: 'ann', pkg: 'p', name: 's' };
  return new SequenceCheck({ action } as unknown as Resolver, identities, settings).check(ann, self, components);
}

test('a sequence has components, and all of them are there', async () => {
  await check(['/ann/a', '/ann/a']);
  await assert.rejects(check([]), /No component specified for the sequence/);
  await assert.rejects(check(['/ann/none']), /Sequence component does not exist/);
});

test('a sequence never leads back to itself: not at once, not through a binding, not through another', async () => {
  for (const name of ['/ann/p/s', '/ann/bound/s', '/ann/t'])
    await assert.rejects(check([name], { t: ['/ann/a', '/ann/p/s'] }), /Sequence may not refer to itself/);
});

test('fifty actions are the most, with those of the sequences inside', async () => {
  const fifty = Array.from({ length: 50 }, () => '/ann/a');
  await check(fifty);
  await check(['/ann/t'], { t: fifty });
  await assert.rejects(check([...fifty, '/ann/a']), /Too many actions in the sequence/);
  await assert.rejects(check(['/ann/t', '/ann/a'], { t: fifty }), /Too many actions in the sequence/);
  await assert.rejects(check(['/ann/t'], { t: ['/ann/u'], u: ['/ann/t'] }), /Too many actions in the sequence/, 'a circle of others');
});
