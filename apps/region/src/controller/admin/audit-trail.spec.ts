import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditOptions } from './audit-trail.js';

test('a call comes from the nearest address that is no proxy of ours', () => {
  const options = new AuditOptions(365, ['127.0.0.1/32', '10.0.0.0/8', '::1']);
  assert.equal(options.originOf('127.0.0.1', undefined), '127.0.0.1');
  assert.equal(options.originOf('::ffff:127.0.0.1', '1.2.3.4'), '1.2.3.4');
  assert.equal(options.originOf('10.9.9.9', '6.6.6.6, 1.2.3.4, 10.1.1.1'), '1.2.3.4', 'what a caller claims to be stands before it');
  assert.equal(options.originOf('5.5.5.5', '1.2.3.4'), '5.5.5.5', 'a stranger is believed nothing');
  assert.equal(options.originOf('::1', 'nonsense'), 'nonsense');
});
