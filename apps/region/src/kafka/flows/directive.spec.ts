import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, type StatusCode } from '#libs/domain';
import { nextInput, readActionName, readDirective } from './directive.js';

const read = (result: string, statusCode: StatusCode = 0) => readDirective({ statusCode, result: asJsonText(result), size: 9 });
const end = (result: string, statusCode = 0) => ({ kind: 'end', response: { statusCode, result } });

test('without an action a composition ends: with the params, or the whole result, and never with a size', () => {
  assert.deepEqual(read('{"a":1.0}'), end('{"a":1.0}'));
  assert.deepEqual(read('{"a":1,"params":{"b":2.0}}'), end('{"b":2.0}'));
  assert.deepEqual(read('{"params":{"error":"x"}}'), end('{"error":"x"}'));
  assert.deepEqual(read('{"params":5}'), end('{"value":5}'));
  assert.deepEqual(read('[1]'), end('[1]'));
});

test('an error ends it with that error', () => {
  assert.deepEqual(read('{"error":"x"}', 1), end('{"error":"x"}', 1));
  assert.deepEqual(read('{"error":"x"}', 2), end('{"error":"x"}', 2));
});

test('an action is called with the params; state and params that are no objects are boxed', () => {
  assert.deepEqual(read('{"action":"a","params":{"b":1},"state":{"s":2}}'), {
    kind: 'call',
    action: 'a',
    params: { b: 1 },
    state: { s: 2 },
  });
  assert.deepEqual(read('{"action":1,"params":[1],"state":"s"}'), {
    kind: 'call',
    action: 1,
    params: { value: [1] },
    state: { state: 's' },
  });
  assert.deepEqual(read('{"action":"a"}'), { kind: 'call', action: 'a', params: undefined, state: undefined });
});

test('the conductor gets a result below its state, numbers as they were', () => {
  assert.equal(nextInput(asJsonText('{"a":1.0,"b":2}'), { b: 3 }), '{"a":1.0,"b":3}');
  assert.equal(nextInput(asJsonText('{"a":1}'), undefined), '{"a":1}');
  assert.equal(nextInput(asJsonText('[1]'), { b: 3 }), undefined);
});

test('a name is one’s own, or absolute with a slash in front or three segments', () => {
  const name = (value: string) => {
    const found = readActionName(value, 'ann');
    return found && [found.namespace, found.pkg, found.name];
  };
  assert.deepEqual(name('a'), ['ann', undefined, 'a']);
  assert.deepEqual(name('p/a'), ['ann', 'p', 'a']);
  assert.deepEqual(name('/bob/a'), ['bob', undefined, 'a']);
  assert.deepEqual(name('/_/p/a'), ['ann', 'p', 'a']);
  assert.deepEqual(name('bob/p/a'), ['bob', 'p', 'a']);
  for (const text of ['', '/', '/x', 'a/b/c/d', '/a/b/c/d', 'a//b', 'a!']) assert.equal(name(text), undefined, text);
  assert.equal(readActionName({ a: 1 }, 'ann'), undefined);
});
