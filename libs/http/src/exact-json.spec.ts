import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exactText, numberOf, parseExact, prettyText, type ExactObject } from './exact-json.js';

test('numbers keep the spelling they were sent with', () => {
  for (const text of ['{"a":1.0}', '[12345678901234567890]', '{"a":[1e3,-0.10,5]}', '1.0']) assert.equal(exactText(parseExact(text)), text);
});

test('any plain value is written back as the engine writes it', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(exactText(parseExact(JSON.stringify(value))), JSON.stringify(value))));
});

test('numbers inside strings are left alone, escaped quotes or not', () => {
  const text = JSON.stringify({ a: '1.0 "2.0" \\', b: '\\"1.50' });
  assert.equal(exactText(parseExact(text)), text);
});

test('of a repeated key the last counts, whatever the spelling of its numbers', () => {
  assert.equal(exactText(parseExact('{"a":1,"a":2}')), '{"a":2}');
  assert.equal(exactText(parseExact('{"a":1.0,"a":2.0}')), '{"a":2.0}');
});

test('a member named __proto__ is kept', () => {
  assert.equal(exactText(parseExact('{"__proto__":1}')), '{"__proto__":1}');
});

test('nesting is read up to 1000 levels and refused beyond', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  assert.equal(exactText(parseExact(nested(1000))), nested(1000));
  assert.throws(() => parseExact(nested(1001)), SyntaxError);
});

test('a number is read as a double, however it is kept', () => {
  assert.equal(numberOf((parseExact('{"a":256.0}') as ExactObject)['a']), 256);
  assert.equal(numberOf('256'), undefined);
});

test('pretty JSON indents by two, keeps lists on one line and spreads an empty object over three', () => {
  assert.equal(prettyText({ a: 1, b: [1, { c: 'x' }], d: {} }), '{\n  "a": 1,\n  "b": [1, {\n    "c": "x"\n  }],\n  "d": {\n\n  }\n}');
});
