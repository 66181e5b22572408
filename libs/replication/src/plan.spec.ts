import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, spaces, type Hlc } from '#libs/domain';
import { aRow, aTombstone } from './builders.spec.js';
import { backoffMs, circuit, decodeRow, encodeRow, feedStart, judgeBatch, keyText, planApply, resumeAt } from './index.js';

const nothing = { current: new Map(), visible: new Set<string>(), blobs: new Set<string>() };
const blob = 'ab'.repeat(32);
const pkg = aRow({ path: 'pkg', kind: kinds.package });
const action = aRow({ path: 'pkg/act', requires: [{ space: spaces.definition, path: 'pkg' }], blob });

test('a row is parked while its code or a row that it requires is not here', () => {
  const plan = planApply([action], nothing);
  assert.deepEqual(plan.visible, []);
  assert.deepEqual(plan.parked, [{ row: action, missing: { rows: [{ space: 0, path: 'pkg' }], blob } }]);
});

test('rows of one batch satisfy each other whatever their order, and parents come first', () => {
  const plan = planApply([action, pkg], { ...nothing, blobs: new Set([blob]) });
  assert.deepEqual(
    plan.visible.map((row) => row.path),
    ['pkg', 'pkg/act'],
  );
  const binding = aRow({ path: 'a', kind: kinds.package, requires: [{ space: spaces.definition, path: 'z' }] });
  const target = aRow({ path: 'z', kind: kinds.package });
  assert.deepEqual(
    planApply([binding, target], nothing).visible.map((row) => row.path),
    ['z', 'a'],
  );
});

test('a parent that is deleted in the same batch does not satisfy its child', () => {
  const facts = { current: new Map([[keyText(pkg), pkg]]), visible: new Set([keyText(pkg)]), blobs: new Set([blob]) };
  const plan = planApply([aTombstone({ path: 'pkg', kind: kinds.package, hlc: '65537' as Hlc }), action], facts);
  assert.deepEqual(
    plan.visible.map((row) => row.path),
    ['pkg'],
  );
  assert.deepEqual(
    plan.parked.map(({ row }) => row.path),
    ['pkg/act'],
  );
});

test('a tombstone needs nothing', () => {
  assert.equal(planApply([aTombstone({ ...action, deleted: true, doc: null })], nothing).visible.length, 1);
});

test('what opens and closes doors is applied first', () => {
  const rows = [
    aRow(),
    aRow({ space: spaces.limits }),
    aRow({ space: spaces.key }),
    aRow({ space: spaces.namespace }),
    aRow({ space: spaces.namespaceKey }),
  ];
  assert.deepEqual(
    planApply(rows, nothing).visible.map((row) => row.space),
    [4, 1, 2, 3, 0],
  );
});

test('a batch that starts where the receiver stands is taken, a repeated one is known, any other is told where to go on', () => {
  const at = (xid: string, key = '') => ({ xid, key });
  const own = { epoch: 'e1', cursor: at('20', 'k') };
  assert.deepEqual(judgeBatch(own, { epoch: 'e1', after: at('20', 'k'), upto: at('30') }), { kind: 'take' });
  assert.deepEqual(judgeBatch(own, { epoch: 'e1', after: at('10'), upto: at('20', 'k') }), { kind: 'duplicate' });
  assert.deepEqual(judgeBatch(own, { epoch: 'e1', after: at('10'), upto: at('19') }), { kind: 'duplicate' });
  assert.deepEqual(judgeBatch(own, { epoch: 'e1', after: at('25'), upto: at('30') }), { kind: 'gap', own });
  assert.deepEqual(
    judgeBatch(own, { epoch: 'e1', after: at('10'), upto: at('20', 'z') }),
    { kind: 'gap', own },
    'keys are never ordered here',
  );
  assert.deepEqual(judgeBatch(undefined, { epoch: 'e1', after: feedStart, upto: at('5') }), { kind: 'take' });
});

test('a feed of a new epoch is taken from its start', () => {
  const own = { epoch: 'e1', cursor: { xid: '20', key: '' } };
  assert.deepEqual(judgeBatch(own, { epoch: 'e2', after: feedStart, upto: { xid: '5', key: '' } }), { kind: 'take' });
  assert.deepEqual(judgeBatch(own, { epoch: 'e2', after: own.cursor, upto: { xid: '25', key: '' } }), {
    kind: 'gap',
    own: { epoch: 'e2', cursor: feedStart },
  });
  assert.deepEqual(resumeAt('e2', own), feedStart);
  assert.deepEqual(resumeAt('e1', own), own.cursor);
});

test('a row survives the wire, and fields of a newer format survive a relay', () => {
  const row = aRow({ sealed: 'AAEC', blob, requires: [{ space: spaces.definition, path: 'pkg' }], seen: { 2: '7' as Hlc } });
  assert.deepEqual(decodeRow(JSON.parse(JSON.stringify(encodeRow(row)))), { row });
  const newer = { ...encodeRow(row), schema: 9, rollout: { percent: 10 } };
  const read = decodeRow(newer);
  assert.ok('row' in read);
  assert.deepEqual(encodeRow(read.row), newer);
});

test('rows of spaces and kinds that are not known here are kept', () => {
  assert.ok('row' in decodeRow(encodeRow(aRow({ space: 77 as never, kind: 78 as never }))));
});

test('a row that cannot be read says why', () => {
  const bad: [object, string][] = [
    [{ ns: 'x' }, 'bad ns'],
    [{ hlc: '99999999999999999999' }, 'bad hlc'],
    [{ hlc: '9223372036854775807' }, 'bad hlc'],
    [{ hlc: 5 }, 'bad hlc'],
    [{ path: 'a\0b' }, 'bad path'],
    [{ path: 'a\ud800' }, 'bad path'],
    [{ path: 'x'.repeat(801) }, 'bad path'],
    [{ doc: '{' }, 'bad doc'],
    [{ sealed: '*' }, 'bad sealed'],
    [{ blob: '../../etc/passwd' }, 'bad blob'],
    [{ origin: 0 }, 'bad origin'],
    [{ seen: { a: '1' } }, 'bad seen'],
    [{ deleted: true }, 'a tombstone has no doc'],
    [{ more: 'x'.repeat(70_000) }, 'too many unknown fields'],
  ];
  for (const [fields, reason] of bad) assert.deepEqual(decodeRow({ ...encodeRow(aRow()), ...fields }), { invalid: reason });
  for (const value of [null, [], 'row', 7]) assert.deepEqual(decodeRow(value), { invalid: 'a row is an object' });
});

test('back-off doubles from 0.2 s to 30 s and chance takes at most half away', () => {
  assert.equal(backoffMs(1, 0), 200);
  assert.equal(backoffMs(1, 1), 100);
  assert.equal(backoffMs(3, 0), 800);
  assert.equal(backoffMs(1000, 0), 30_000);
  assert.deepEqual([0, 1, 2, 3].map(circuit), ['closed', 'trying', 'trying', 'open']);
});
