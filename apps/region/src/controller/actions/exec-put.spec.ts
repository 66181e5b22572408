import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitProfiles, nodeKinds } from '#libs/domain';
import type { ExactJson } from '#libs/http';
import { isBinary, readExec, resolvedComponents } from './exec-put.js';

const read = (value: ExactJson) => readExec(value, { kinds: nodeKinds, profile: limitProfiles.openwhisk });
const malformed = (reason: string): object => ({ status: 400, message: `The request content was malformed:\n${reason}` });

test('code is binary when it is base64 of whole bytes, whatever the request says', () => {
  assert.deepEqual(['abcd', 'YQ==', ' YWI= \n', 'abcde', '', 'ab=c', 'a b c d ', '===='].map(isBinary), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test('kinds are trimmed, lower-cased and resolved', () => {
  assert.deepEqual(read({ kind: ' NodeJS:default ', code: 'x y', binary: true }), {
    type: 'code',
    kind: 'nodejs:20',
    code: 'x y',
    binary: false,
    bytes: 3,
  });
  assert.throws(
    () => read({ kind: 'nodejs', code: '' }),
    malformed("The specified runtime 'nodejs' is not supported by this platform. Valid values are: 'nodejs:20', 'sequence', 'blackbox'."),
  );
});

test('the name of an entry point is bounded', () => {
  assert.equal(read({ kind: 'nodejs:20', code: 'x', main: 'm'.repeat(4096) })?.type, 'code');
  assert.throws(() => read({ kind: 'nodejs:20', code: 'x', main: 'm'.repeat(4097) }), {
    status: 413,
    message: 'main larger than allowed: 4097 > 4096 bytes.',
  });
});

test('what counts against the code limit is code, main and image', () => {
  assert.equal(read({ kind: 'nodejs:20', code: 'é!', main: 'go' })?.bytes, 5);
  assert.equal(read({ kind: 'blackbox', image: 'me/image', code: 'abc!', main: 'go' })?.bytes, 14);
});

test('an exec that lacks something, or has it of another type, is refused in the platform’s words', () => {
  assert.equal(read(null), undefined);
  assert.throws(() => read('x'), malformed('JSON object expected'));
  assert.throws(() => read({ code: '' }), malformed("'kind' must be a string defined in 'exec'"));
  assert.throws(
    () => read({ kind: 'nodejs:20' }),
    malformed("'code' must be a string or attachment object defined in 'exec' for 'nodejs:20' actions"),
  );
  assert.throws(() => read({ kind: 'nodejs:20', code: 1 }), malformed('Could not deserialize as attachment record: 1'));
  assert.throws(
    () => read({ kind: 'nodejs:20', code: '', main: 1 }),
    malformed("if defined, 'main' be a string in 'exec' for 'nodejs:20' actions"),
  );
  assert.throws(() => read({ kind: 'blackbox', image: 1 }), malformed("'image' must be a string defined in 'exec' for 'blackbox' actions"));
  assert.throws(() => read({ kind: 'blackbox', image: 'Not An Image' }), malformed('could not parse image name'));
  assert.throws(() => read({ kind: 'sequence' }), malformed("'components' must be defined for sequence kind"));
});

test('image names may have a host, a port, a tag and a digest', () => {
  for (const image of ['me/image:1.0', 'image', 'example.org:5000/me/image:tag', 'a/b@sha256:abcdef'])
    assert.equal(read({ kind: 'blackbox', image })?.type, 'blackbox');
});

test('components are kept by their full names', () => {
  const exec = read({ kind: 'sequence', components: ['/_/a', 'bob/p/b'] });
  assert.deepEqual(resolvedComponents(exec, 'ann'), { type: 'sequence', components: ['/ann/a', '/bob/p/b'], bytes: 0 });
  assert.throws(() => resolvedComponents(read({ kind: 'sequence', components: ['a'] }), 'ann'), /must contain at least the namespace/);
});
