/** An OpenID Connect issuer for a test: a discovery document and keys over real HTTP, and tokens signed with them. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';

/** What a token of a test may have otherwise than usual. */
export interface TokenWish {
  readonly claims?: JWTPayload;
  readonly audience?: string;
  readonly issuer?: string;
  /** Seconds from now. */
  readonly expiresIn?: number;
}

/** What tokens are for, unless a test says otherwise. */
export const audience = 'isochrone';

/** The issuer. It can be out of reach, silent, and change its keys. */
export class Issuer {
  /** How it answers: `silent` takes requests and never answers. */
  mode: 'well' | 'broken' | 'silent' = 'well';
  /** Requests for its keys. */
  asked = 0;
  private keys: { readonly kid: string; readonly secret: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']; readonly jwk: JWK }[] =
    [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Issuer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = new Issuer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => {
      if (issuer.mode === 'silent') return;
      const keys = request.url === '/keys';
      if (keys) issuer.asked += 1;
      const document = keys ? { keys: issuer.keys.map(({ jwk }) => jwk) } : { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` };
      response.writeHead(issuer.mode === 'well' ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    });
    await issuer.rotate();
    return issuer;
  }

  /** From now on another key signs, and the old one counts no more. */
  async rotate(): Promise<void> {
    const kid = `key-${this.keys.length}-${Math.random().toString(36).slice(2)}`;
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    this.keys = [{ kid, secret: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }];
  }

  /** The public half of the key, which whoever likes may read. */
  get publicKey(): JWK {
    return this.current.jwk;
  }

  /** A token, good unless the wish is bad. */
  async token({ claims = {}, audience: aud = audience, issuer = this.url, expiresIn = 300 }: TokenWish = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ sub: 'somebody', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: this.current.kid })
      .setIssuer(issuer)
      .setAudience(aud)
      .setIssuedAt(now)
      .setExpirationTime(now + expiresIn)
      .sign(this.current.secret);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private get current() {
    const [key] = this.keys;
    if (!key) throw new Error('the issuer has no key');
    return key;
  }
}

/** A token without a signature, and one that is signed with the public key as if that were a shared secret. */
export async function forgedTokens(issuer: Issuer): Promise<readonly string[]> {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { iss: issuer.url, aud: audience, sub: 'x', exp: Math.floor(Date.now() / 1000) + 300, namespaces: ['guest'] };
  const { kid = '' } = issuer.publicKey;
  const secret = new TextEncoder().encode(JSON.stringify(issuer.publicKey));
  const confused = await new SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
  return [`${part({ alg: 'none', kid })}.${part(payload)}.`, `${part({ alg: 'none', kid })}.${part(payload)}.AA`, confused];
}
