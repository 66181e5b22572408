import assert from 'node:assert/strict';
import { test } from 'node:test';
import { egressPorts } from '#libs/domain';
import { EgressPolicy, entryOfUrl, type EgressRules } from './policy.js';

const own = new Set(['203.0.112.7', '2600::7']);
const rules = (more: Partial<EgressRules> = {}): EgressRules => ({ mode: 'listed', ports: egressPorts, allow: [], ...more });
const allows = (policy: EgressPolicy, address: string, port = 443, host = address): boolean =>
  policy.connection(host, address, port, own).allowed;

test('any public address on a listed port, and no other port', () => {
  const policy = EgressPolicy.from(rules());
  for (const address of ['1.1.1.1', '8.8.4.4', '203.0.112.8', '2606:4700::1111', '::ffff:1.1.1.1'])
    assert.ok(allows(policy, address), address);
  for (const port of [21, 200, 299, 443, 2999, 6379, 9352, 20_000, 60_020]) assert.ok(allows(policy, '1.1.1.1', port), String(port));
  for (const port of [1, 81, 300, 9095, 9353, 9999, 20_001, 65_535]) assert.ok(!allows(policy, '1.1.1.1', port), String(port));
  const verdict = policy.connection('1.1.1.1', '1.1.1.1', 9999, own);
  assert.deepEqual(verdict, { allowed: false, reason: 'port 9999 is not among those that actions may reach' });
});

test('no address that is not public, in whatever form it is written', () => {
  const hidden = `0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1
     172.31.255.255 192.0.0.192 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1
     255.255.255.255 168.63.129.16 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
     ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2001:0:7f00:1:: 2001:db8::1 fc00::1 fd00:ec2::254
     fe80::1 fe80::1%eth0 fec0::1 ff02::1 100::1 3fff::1 5f00::1 4000::1`.split(/\s+/);
  for (const mode of ['listed', 'open'] as const) {
    const policy = EgressPolicy.from(rules({ mode }));
    for (const address of hidden) {
      assert.ok(!allows(policy, address, 80), `${mode} ${address}`);
      assert.ok(!policy.answer('a.test', address, own).allowed, `${mode} ${address}`);
    }
  }
});

test('none of the addresses of this machine, however public', () => {
  const policy = EgressPolicy.from(rules({ mode: 'open' }));
  for (const address of ['203.0.112.7', '::ffff:203.0.112.7', '2600::7', '2600:0:0::7']) assert.ok(!allows(policy, address), address);
  assert.ok(allows(policy, '2600::8', 9999));
});

test('what the operator lists, in every mode, on its port alone', () => {
  for (const mode of ['listed', 'open', 'none'] as const) {
    const allow = ['127.0.0.1:6379', '10.1.0.0/16', '[fd00::5]:5432', 'fd01::/64', '192.168.7.7', '203.0.112.7:80'];
    const policy = EgressPolicy.from(rules({ mode, allow }));
    for (const [address, port] of [
      ['127.0.0.1', 6379],
      ['::ffff:127.0.0.1', 6379],
      ['10.1.255.1', 9999],
      ['fd00::5', 5432],
      ['fd01::99', 1],
      ['192.168.7.7', 9999],
      ['203.0.112.7', 80],
    ] as const)
      assert.ok(allows(policy, address, port), `${mode} ${address} ${port}`);
    for (const [address, port] of [
      ['127.0.0.1', 6380],
      ['127.0.0.2', 6379],
      ['10.2.0.1', 443],
      ['fd00::5', 5433],
      ['fd00::6', 5432],
      ['203.0.112.7', 443],
    ] as const)
      assert.ok(!allows(policy, address, port), `${mode} ${address} ${port}`);
    assert.equal(allows(policy, '1.1.1.1'), mode !== 'none');
    assert.equal(policy.asksNames, mode !== 'none');
  }
});

test('a listed name with whatever address it has, and no other name with that address', () => {
  const policy = EgressPolicy.from(rules({ allow: ['Db.internal:5432', '*.lan.test', 'api'] }));
  for (const [host, port] of [
    ['db.internal', 5432],
    ['DB.INTERNAL.', 5432],
    ['a.b.lan.test', 1],
    ['api', 80],
  ] as const)
    assert.ok(allows(policy, '10.0.0.9', port, host), host);
  for (const [host, port] of [
    ['db.internal', 5433],
    ['lan.test', 1],
    ['evil-lan.test', 1],
    ['api.evil.test', 80],
    ['10.0.0.9', 5432],
  ] as const)
    assert.ok(!allows(policy, '10.0.0.9', port, host), host);
  assert.deepEqual([policy.trusts('x.lan.test'), policy.trusts('db.internal'), policy.trusts('evil.test')], [true, true, false]);
  assert.ok(!EgressPolicy.from(rules({ allow: ['0.0.0.0/0', '::/0'] })).trusts('evil.test'));
});

test('an entry that cannot be read stops the start', () => {
  for (const allow of [
    '',
    '127.1',
    '2130706433',
    '0x7f.1',
    '10.0.0.0/33',
    'a b',
    'host:0',
    'host:70000',
    '[db]:1',
    'http://a',
    '1.2.3.4:x',
    '*',
  ])
    assert.throws(() => EgressPolicy.from(rules({ allow: [allow] })), /is no /, allow);
  for (const ports of ['0', '70000', '5-3', 'http', '1-2-3', ''])
    assert.throws(() => EgressPolicy.from(rules({ ports: [ports] })), /is no port/, ports);
});

test('the server of a URL as an entry', () => {
  assert.deepEqual(['http://127.0.0.1:3233', 'https://api.test/x', 'http://api.test', 'http://[::1]:80/'].map(entryOfUrl), [
    '127.0.0.1:3233',
    'api.test:443',
    'api.test:80',
    '[::1]:80',
  ]);
});
