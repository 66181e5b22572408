import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asJsonText, limitProfiles, type Parameter } from '#libs/domain';
import { argumentsOf, checkMessageSize, checkProtected, checkRequestSize, mergeArguments, payloadOf } from './payload.js';

const profile = limitProfiles.openwhisk;
const parameter = (key: string, value: string, init?: true): Parameter => ({ key, value: asJsonText(value), ...(init ? { init } : {}) });
const merge = (defaults: readonly Parameter[], text: string) =>
  mergeArguments(defaults, new Set(text === '' ? [] : Object.keys(JSON.parse(text) as object)), Buffer.from(text));

test('a payload lies over the defaults, key by key, and its bytes stay as they are', () => {
  const { args } = merge([parameter('a', '1'), parameter('b', '1.0')], ' {"b" : 2.00, "c":"\\u0000"} ');
  assert.equal(args.toString(), '{"a":1,"b" : 2.00, "c":"\\u0000"}');
});

test('no payload, an empty one and no defaults leave valid JSON', () => {
  assert.equal(merge([], '').args.toString(), '{}');
  assert.equal(merge([parameter('a', '1')], '').args.toString(), '{"a":1}');
  assert.equal(merge([parameter('a', '1')], ' { } ').args.toString(), '{"a":1}');
  assert.equal(merge([], '{"a":1}').args.toString(), '{"a":1}');
  assert.equal(merge([parameter('a', '1')], '{"a":2}').args.toString(), '{"a":2}');
});

test('merging is what spreading one object over the other gives', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (defaults, payload) => {
      const given = Object.entries(defaults).map(([key, value]) => parameter(key, JSON.stringify(value)));
      const { args } = merge(given, JSON.stringify(payload));
      const expected = new Map([...Object.entries(defaults), ...Object.entries(payload)]);
      assert.deepEqual(
        new Map(Object.entries(JSON.parse(args.toString()) as object)),
        new Map(JSON.parse(JSON.stringify([...expected])) as [string, unknown][]),
      );
    }),
  );
});

test('init parameters become the environment and never arguments', () => {
  const defaults = [
    parameter('T', '"plain"', true),
    parameter('N', '12.50', true),
    parameter('O', '{"a":[1,null]}', true),
    parameter('E', 'null', true),
  ];
  assert.deepEqual(merge(defaults, '{"x":1}'), {
    args: Buffer.from('{"x":1}'),
    env: { T: 'plain', N: '12.50', O: '{"a":[1,null]}', E: '' },
  });
});

test('a payload that names an init parameter changes the environment, and the name does not reach the run', () => {
  const { args, env } = merge([parameter('T', '"plain"', true), parameter('a', '1')], '{"T":"given","x":1.0}');
  assert.deepEqual({ args: args.toString(), env }, { args: '{"a":1,"x":1.0}', env: { T: 'given' } });
});

test('protected are the reserved names, and of a final action what has a value', () => {
  const defaults = [parameter('locked', '1'), parameter('open', 'null')];
  const refusal = { status: 400, message: 'Request defines parameters that are not allowed (e.g., reserved properties).' };
  assert.throws(() => checkProtected(true, defaults, ['locked']), refusal);
  assert.throws(() => checkProtected(false, [], ['__ow_user'], ['__ow_user']), refusal);
  checkProtected(true, defaults, ['open', 'x']);
  checkProtected(false, defaults, ['locked']);
});

test('requests are measured under, at and over the payload limit, by what they announce or bring', () => {
  for (const length of ['0', '1048575', '1048576', undefined]) checkRequestSize(length, Buffer.alloc(10), profile);
  assert.throws(() => checkRequestSize('1048577', Buffer.alloc(0), profile), {
    status: 413,
    message: 'Request larger than allowed: 1048577 > 1048576 bytes.',
  });
  assert.throws(() => checkRequestSize(undefined, Buffer.alloc(1048577), profile), { status: 413 });
});

test('a message may exceed the payload limit by its margin and no more', () => {
  const env = { k: 'v' };
  checkMessageSize({ args: Buffer.alloc(1048576 + 6068 - 102), env }, 100, profile);
  assert.throws(() => checkMessageSize({ args: Buffer.alloc(1048576 + 6068 - 101), env }, 100, profile), { code: 'too-large' });
});

test('what another activation answered is a payload: an object lies over the defaults, a list replaces them', () => {
  const defaults = [parameter('a', '1'), parameter('b', '2', true)];
  const told = (text: string) => {
    const { args, env } = argumentsOf(defaults, payloadOf(text));
    return [args.toString(), env];
  };
  assert.deepEqual(told('{"c":1.0}'), ['{"a":1,"c":1.0}', { b: '2' }]);
  assert.deepEqual(told('[1.0]'), ['[1.0]', { b: '2' }]);
});
