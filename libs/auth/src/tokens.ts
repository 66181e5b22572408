import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { Failure } from '#libs/domain';
import { z } from 'zod';
import { sameSecret } from './credentials.js';

/** An OpenID Connect issuer whose access tokens are believed. */
export interface TokenIssuer {
  /** As its tokens spell it. */
  readonly issuer: string;
  readonly audience: string;
  /** Where its keys are; found by discovery where it is undefined. */
  readonly jwks?: string | undefined;
  /** The claim that lists the namespaces a token may act in. */
  readonly namespacesClaim: string;
  /** The claim that lists organisations; undefined where those do not matter. */
  readonly orgsClaim?: string | undefined;
}

/** What a token that is good says about its bearer. */
export interface Bearer {
  /** Names of the namespaces it may act in; `all` for the token of a world on one machine. */
  readonly namespaces: readonly string[] | 'all';
  /** Organisations of its bearer; `any` where those do not matter. */
  readonly orgs: readonly string[] | 'any';
}

/** Times of talking to an issuer, ms. */
export interface TokenTimes {
  /** Longest wait for an answer. */
  readonly timeoutMs: number;
  /** Least time between two looks for new keys, whatever keys tokens name; and before an issuer that failed is asked again. */
  readonly cooldownMs: number;
  /** How long keys are kept. */
  readonly keepMs: number;
}

const standardTimes: TokenTimes = { timeoutMs: 3000, cooldownMs: 30_000, keepMs: 600_000 };

/** Signatures by private keys only: with a shared secret, whoever can check a token could make one. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

/** How far the issuer's clock may be off. */
const clockToleranceS = 30;

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Errors of jose that mean that the issuer did not hand out its keys, not that a token is bad. */
const outages: readonly (new (...args: never[]) => Error)[] = [errors.JWKSTimeout, errors.JWKSInvalid];

/** Verifies bearer tokens: signature, issuer, audience and time. It fails closed: without keys nothing is good. */
export class Tokens {
  private keys: Promise<JWTVerifyGetKey> | undefined;
  private failedAtMs = -Infinity;

  constructor(
    private readonly issuer: TokenIssuer | undefined,
    private readonly devToken?: string | undefined,
    private readonly times: TokenTimes = standardTimes,
  ) {}

  /** Whether there is any token that could be good. */
  get configured(): boolean {
    return this.issuer !== undefined || this.devToken !== undefined;
  }

  /**
   * What an `Authorization` header says by a bearer token; undefined where it bears none that is good. Throws `unavailable` where the issuer's
   * keys cannot be had in time: nobody knows then.
   */
  async verify(header: string | undefined): Promise<Bearer | undefined> {
    const token = readBearer(header);
    if (token === undefined) return undefined;
    if (this.devToken !== undefined && sameSecret(token, this.devToken)) return { namespaces: 'all', orgs: 'any' };
    return this.issuer && this.looksSigned(token) ? this.check(token, this.issuer) : undefined;
  }

  private looksSigned(token: string): boolean {
    return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
  }

  private async check(token: string, issuer: TokenIssuer): Promise<Bearer | undefined> {
    const keys = await this.keySet(issuer);
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms,
        clockTolerance: clockToleranceS,
        requiredClaims: ['exp'],
      });
      return bearerOf(payload, issuer);
    } catch (cause) {
      if (isVerdict(cause)) return undefined;
      throw unavailable(cause);
    }
  }

  /** The issuer's keys. Where they could not be found, it is not asked again for a while. */
  private async keySet(issuer: TokenIssuer): Promise<JWTVerifyGetKey> {
    if (!this.keys && performance.now() - this.failedAtMs < this.times.cooldownMs) throw unavailable(undefined);
    this.keys ??= this.find(issuer);
    try {
      return await this.keys;
    } catch (cause) {
      this.keys = undefined;
      this.failedAtMs = performance.now();
      throw unavailable(cause);
    }
  }

  private async find({ issuer, jwks }: TokenIssuer): Promise<JWTVerifyGetKey> {
    const { timeoutMs, cooldownMs, keepMs } = this.times;
    const place = new URL(jwks ?? (await this.discover(issuer)));
    return createRemoteJWKSet(place, { timeoutDuration: timeoutMs, cooldownDuration: cooldownMs, cacheMaxAge: keepMs });
  }

  /** The address of the keys, from the issuer's discovery document (OpenID Connect Discovery 1.0, section 4), which must name the issuer itself. */
  private async discover(issuer: string): Promise<string> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(this.times.timeoutMs), redirect: 'error' });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    const document = Discovery.parse(await answer.json());
    if (document.issuer !== issuer) throw new Error(`${url} is the document of another issuer`);
    if (issuer.startsWith('https:') && !document.jwks_uri.startsWith('https:')) throw new Error(`${url} names keys without https`);
    return document.jwks_uri;
  }
}

/** The token of an `Authorization` header with the scheme `Bearer`. */
export function readBearer(header: string | undefined): string | undefined {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(header ?? '')?.[1];
}

function bearerOf(payload: JWTPayload, { namespacesClaim, orgsClaim }: TokenIssuer): Bearer {
  return {
    namespaces: namesOf(payload[namespacesClaim]),
    orgs: orgsClaim === undefined ? 'any' : namesOf(payload[orgsClaim]),
  };
}

/** A list of names, or a text of such, parted by blanks. */
function namesOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((name) => name !== '');
  return Array.isArray(claim) ? claim.filter((name): name is string => typeof name === 'string') : [];
}

/** Whether an error of jose says that a token is bad. */
function isVerdict(cause: unknown): boolean {
  return cause instanceof errors.JOSEError && cause.code !== 'ERR_JOSE_GENERIC' && !outages.some((outage) => cause instanceof outage);
}

function unavailable(cause: unknown): Failure {
  return new Failure('unavailable', {}, { cause, retryAfterS: 5 });
}
