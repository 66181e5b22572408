import assert from 'node:assert/strict';
import { test } from 'node:test';
import { regionNamed } from './identity.js';

test('a certificate names the region of its common name when its DNS names say so too', () => {
  assert.equal(
    regionNamed({ subject: { CN: 'eu-west-1' }, subjectaltname: 'DNS:eu-west-1, DNS:localhost, IP Address:127.0.0.1' }),
    'eu-west-1',
  );
});

test('a certificate whose DNS names lack its common name, or that has several common names, names nobody', () => {
  assert.equal(regionNamed({ subject: { CN: 'eu-west-1' }, subjectaltname: 'DNS:us-east-1' }), undefined);
  assert.equal(regionNamed({ subject: { CN: 'eu-west-1' }, subjectaltname: 'DNS:eu-west-10' }), undefined);
  assert.equal(regionNamed({ subject: { CN: 'eu-west-1' } }), undefined);
  assert.equal(regionNamed({ subject: { CN: ['eu-west-1', 'us-east-1'] }, subjectaltname: 'DNS:eu-west-1, DNS:us-east-1' }), undefined);
  assert.equal(regionNamed({}), undefined);
});
