import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asJsonText, type Action } from '#libs/domain';
import { flowOf, noneRan } from './flow.js';

test('sequences and conductors are flows, whatever the conductor annotation is, if it counts as true', () => {
  const code = { type: 'code' } as Action['exec'];
  const of = (exec: Action['exec'], annotations: Action['annotations'], owner = 'ann', path = 'a') =>
    flowOf({ action: { exec, annotations, path }, owner: { name: owner } });
  const flow = (value: string) => of(code, [{ key: 'conductor', value: asJsonText(value) }]);
  for (const value of ['true', '{}', '"yes"', '1']) assert.deepEqual(flow(value), { kind: 'composition', ran: noneRan, depth: 0 });
  for (const value of ['false', 'null', '0', '""']) assert.equal(flow(value), undefined);
  assert.equal(of(code, []), undefined);
  const exec: Action['exec'] = { type: 'sequence', kind: 'sequence', components: ['/ann/a'] };
  const annotations = [{ key: 'conductor', value: asJsonText('true') }];
  assert.equal(of(exec, annotations)?.kind, 'sequence', 'a sequence conducts nothing');
  assert.equal(of(code, [], 'whisk.system', 'alarms/once')?.kind, 'native');
  assert.equal(of(code, [], 'ann', 'alarms/once'), undefined, 'what others name so is code like any other');
});
