/** Bearer tokens against an issuer that speaks real HTTP: what is believed, what is not, and what happens while nobody can know. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Tokens } from '#libs/auth';
import { audience, forgedTokens, Issuer } from '../support/issuer.js';

let issuer: Issuer;
let stranger: Issuer;

before(async () => {
  [issuer, stranger] = await Promise.all([Issuer.start(), Issuer.start()]);
});
after(async () => {
  await Promise.all([issuer?.stop(), stranger?.stop()]);
});

const quick = { timeoutMs: 300, cooldownMs: 0, keepMs: 600_000 };

function tokens(more: object = {}, times = quick): Tokens {
  return new Tokens({ issuer: issuer.url, audience, namespacesClaim: 'namespaces', ...more }, undefined, times);
}

const good = async (verifier: Tokens, token: string) => verifier.verify(`Bearer ${token}`);

test('a good token says which namespaces and organisations it is for, as a list or as a text', async () => {
  const verifier = tokens({ orgsClaim: 'orgs' });
  const list = await issuer.token({ claims: { namespaces: ['ann', 7, 'bob'], orgs: 'x y' } });
  assert.deepEqual(await good(verifier, list), { namespaces: ['ann', 'bob'], orgs: ['x', 'y'] });
  assert.deepEqual(await good(verifier, await issuer.token()), { namespaces: [], orgs: [] });
  assert.deepEqual(await good(tokens(), await issuer.token({ claims: { namespaces: { ann: true } } })), { namespaces: [], orgs: 'any' });
});

test('nothing else is believed', async () => {
  const verifier = tokens();
  const bad = [
    await issuer.token({ expiresIn: -60 }),
    await issuer.token({ audience: 'somebody else' }),
    await issuer.token({ issuer: stranger.url }),
    await issuer.token({ claims: { nbf: Math.floor(Date.now() / 1000) + 600 } }),
    await stranger.token({ issuer: issuer.url }),
    ...(await forgedTokens(issuer)),
    (await issuer.token()).slice(0, -4),
    'opaque',
    'a.b.c',
  ];
  for (const token of bad) assert.equal(await good(verifier, token), undefined, token);
  for (const header of [undefined, '', 'Bearer', `Basic ${await issuer.token()}`, `Bearer ${await issuer.token()}, x`])
    assert.equal(await verifier.verify(header), undefined, header);
});

test('a new key is found when a token names it, the old one counts no more, and unknown keys do not make us ask over and over', async () => {
  const verifier = tokens();
  const old = await issuer.token();
  assert.ok(await good(verifier, old));
  await issuer.rotate();
  assert.ok(await good(verifier, await issuer.token()));
  assert.equal(await good(verifier, old), undefined);

  const patient = tokens({}, { ...quick, cooldownMs: 60_000 });
  assert.ok(await good(patient, await issuer.token()));
  const before = issuer.asked;
  for (let i = 0; i < 20; i += 1) assert.equal(await good(patient, await stranger.token({ issuer: issuer.url })), undefined);
  assert.equal(issuer.asked, before);
});

test('while the keys cannot be had nothing is believed, and nobody waits long', async () => {
  for (const mode of ['broken', 'silent'] as const) {
    issuer.mode = mode;
    await assert.rejects(good(tokens(), await issuer.token()), { code: 'unavailable', status: 503, retryAfterS: 5, fault: undefined });
    await assert.rejects(good(tokens({ jwks: `${issuer.url}/keys` }), await issuer.token()), { code: 'unavailable' });
  }
  issuer.mode = 'well';
  const gone = tokens({ jwks: 'http://127.0.0.1:1/keys' });
  await assert.rejects(good(gone, await issuer.token()), { code: 'unavailable' });
  assert.ok(await good(tokens(), await issuer.token()), 'and then it is well again');
});

test('a discovery document that names another issuer is not believed', async () => {
  await assert.rejects(good(tokens({ issuer: `${issuer.url}/` }), await issuer.token({ issuer: `${issuer.url}/` })), {
    code: 'unavailable',
  });
});
