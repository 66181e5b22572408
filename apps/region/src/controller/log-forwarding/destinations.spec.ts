import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readForwarding } from './destinations.js';

const splunk = { host: 'splunk.example.net', port: '8088', index: 'main', hec_token: 'a secret' };

test('each destination has its settings, of which the secret ones are kept apart', () => {
  assert.deepEqual(readForwarding({ adobe_io_runtime: {} }), { destination: 'adobe_io_runtime', shown: {}, secret: {} });
  assert.deepEqual(readForwarding({ splunk_hec: { ...splunk, port: 443 } }), {
    destination: 'splunk_hec',
    shown: { host: 'splunk.example.net', port: '443', index: 'main' },
    secret: { hec_token: 'a secret' },
  });
  assert.deepEqual(readForwarding({ azure_log_analytics: { customer_id: 'c', shared_key: 's', log_type: 'my_logs' } }).secret, {
    shared_key: 's',
  });
  assert.deepEqual(readForwarding({ new_relic: { base_uri: 'https://log-api.newrelic.com/log/v1', license_key: 'l' } }).secret, {
    license_key: 'l',
  });
});

test('what is not exactly a destination with all of its settings is refused, without its values', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{}, /Exactly one destination/],
    [[], /Exactly one destination/],
    [null, /Exactly one destination/],
    [{ adobe_io_runtime: {}, splunk_hec: splunk }, /Exactly one destination/],
    [{ kafka: {} }, /There is no destination 'kafka'/],
    [{ constructor: {} }, /There is no destination 'constructor'/],
    [{ adobe_io_runtime: { a: 'b' } }, /has no setting 'a'/],
    [{ adobe_io_runtime: null }, /must be an object/],
    [{ splunk_hec: { ...splunk, more: 'x' } }, /has no setting 'more'/],
    [{ splunk_hec: { ...splunk, hec_token: '' } }, /needs the setting 'hec_token'/],
    [{ splunk_hec: { ...splunk, hec_token: undefined } }, /needs the setting 'hec_token'/],
    [{ splunk_hec: { ...splunk, host: ['a'] } }, /needs the setting 'host'/],
    [{ splunk_hec: { ...splunk, host: 'a/b' } }, /must be a host name/],
    [{ splunk_hec: { ...splunk, port: '9999' } }, /must be 443 or 8088/],
    [{ splunk_hec: { ...splunk, hec_token: 'a\r\nb' } }, /control characters/],
    [{ new_relic: { base_uri: 'http://a', license_key: 'l' } }, /must be an https URL/],
    [{ new_relic: { base_uri: 'https://u:p@a', license_key: 'l' } }, /must be an https URL/],
  ];
  for (const [body, text] of cases) assert.throws(() => readForwarding(body), { code: 'bad-request', message: text }, JSON.stringify(body));
});
