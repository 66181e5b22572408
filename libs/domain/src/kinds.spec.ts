import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concurrencyOf, isKind, isNodeKind, nodeKinds, pythonKinds } from './kinds.js';

test('a kind is a known Node.js or any Python 3', () => {
  for (const kind of [...nodeKinds, ...pythonKinds('3.8'), ...pythonKinds('3.13')]) assert.ok(isKind(kind), kind);
  for (const kind of ['nodejs:18', 'nodejs:default', 'python:2', 'python:3.', 'python:3.1111', 'python', ' nodejs:20', 'sequence', ''])
    assert.ok(!isKind(kind), kind);
  assert.ok(!isNodeKind('python:3'));
});

test('Python takes one call at a time, Node.js as many as its action allows', () => {
  assert.deepEqual(
    ['python:3', 'python:3.11', 'nodejs:24', 'blackbox'].map((kind) => concurrencyOf(kind, 200)),
    [1, 1, 200, 200],
  );
});
