import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import type { RegionId, Transid } from '#libs/domain';
import type { Address } from '../caller/address.js';
import { pathOf, wantsUpgrade } from './framing.js';
import { headersForCaller, headersForRegion } from './headers.js';

function aRequest(...rawHeaders: string[]): IncomingMessage {
  const headers: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) headers[(rawHeaders[i] ?? '').toLowerCase()] = rawHeaders[i + 1] ?? '';
  return { rawHeaders, headers } as unknown as IncomingMessage;
}

const direct = { address: '203.0.113.9' as Address, chain: ['203.0.113.9' as Address], viaProxy: false };
const viaProxy = { address: '203.0.113.9' as Address, chain: ['203.0.113.9' as Address, '10.0.0.1' as Address], viaProxy: true };
const transid = 'tid' as Transid;

test('a request target becomes path and query, byte for byte but for dot segments', () => {
  assert.equal(pathOf('/a//b?c=%2F'), '/a//b?c=%2F');
  assert.equal(pathOf('http://host:1/a?b'), '/a?b');
  assert.equal(pathOf('HTTP://host?b'), '/?b');
  assert.equal(pathOf('http://host'), '/');
  assert.equal(pathOf('http://host/a/../b'), '/b');
  assert.equal(pathOf('/api/../invokers/x'), '/invokers/x');
  assert.equal(pathOf('*'), undefined);
  assert.equal(pathOf(''), undefined);
});

test('an offer of h2c is passed over, any other upgrade is one', () => {
  assert.equal(wantsUpgrade(aRequest('Connection', 'Upgrade, HTTP2-Settings', 'Upgrade', 'h2c')), false);
  assert.equal(wantsUpgrade(aRequest('Connection', 'keep-alive, Upgrade', 'Upgrade', 'websocket')), true);
  assert.equal(wantsUpgrade(aRequest('Upgrade', 'websocket')), false);
});

test('headers of the connection stay behind, but Connection cannot take away what the region relies on', () => {
  const req = aRequest(
    'Host',
    'api.example',
    'Connection',
    'authorization, x-forwarded-for, content-length, x-mine',
    'Authorization',
    'Basic x',
    'Content-Length',
    '3',
    'X-Mine',
    '1',
    'TE',
    'trailers',
    'Keep-Alive',
    '5',
    'X-Yours',
    '2',
  );
  assert.deepEqual(headersForRegion(req, direct, transid), [
    'Host',
    'api.example',
    'Authorization',
    'Basic x',
    'Content-Length',
    '3',
    'X-Yours',
    '2',
    'x-forwarded-for',
    '203.0.113.9',
    'x-forwarded-proto',
    'http',
    'x-forwarded-host',
    'api.example',
    'x-request-id',
    'tid',
  ]);
});

test('an unlisted peer cannot speak for others, a trusted one can', () => {
  const req = aRequest(
    'X-Forwarded-For',
    '8.8.8.8',
    'X-Forwarded-Proto',
    'https',
    'Forwarded',
    'for=8.8.8.8',
    'X-Isochrone-Region',
    'mars',
  );
  assert.deepEqual(headersForRegion(req, direct, transid).slice(0, 4), ['x-forwarded-for', '203.0.113.9', 'x-forwarded-proto', 'http']);
  const believed = headersForRegion(req, viaProxy, transid);
  assert.deepEqual(believed.slice(0, 6), [
    'Forwarded',
    'for=8.8.8.8',
    'x-forwarded-for',
    '203.0.113.9, 10.0.0.1',
    'x-forwarded-proto',
    'https',
  ]);
});

test('an answer says which region served, once', () => {
  const raw = ['Set-Cookie', 'a', 'Set-Cookie', 'b', 'Connection', 'close', 'X-Isochrone-Region', 'elsewhere', 'Content-Length', '1'];
  const headers = headersForCaller(raw, 'eu-west-1' as RegionId, true);
  assert.deepEqual(headers, [
    'Set-Cookie',
    'a',
    'Set-Cookie',
    'b',
    'Content-Length',
    '1',
    'x-isochrone-region',
    'eu-west-1',
    'connection',
    'close',
  ]);
});
