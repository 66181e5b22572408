import type { IncomingHttpHeaders } from 'node:http';
import { Failure } from '#libs/domain';
import type { Identities } from './identities.js';
import type { Identity } from './identity.js';
import { readBearer, type Bearer, type Tokens } from './tokens.js';

/** Says who calls the REST API: by an auth key, or by a token of the configured issuer, which acts in one of the namespaces that it grants. */
export class Callers {
  constructor(
    private readonly identities: Identities,
    readonly tokens: Tokens,
    /** Whether tokens count here at all; OpenWhisk knows none. */
    private readonly takesTokens: boolean,
  ) {}

  /**
   * The identity that a request proves. A token acts in `namespace` where the request itself says so, else in the one of `x-namespace-id`, or
   * in the only one that it grants; one that is not granted is refused as one that does not exist.
   */
  async authenticate(headers: IncomingHttpHeaders, namespace?: string): Promise<Identity> {
    const bearer = await this.bearer(headers);
    if (!bearer) return this.identities.authenticate(headers.authorization);
    const named = [namespace, headers['x-namespace-id']].find((name) => typeof name === 'string' && name !== '' && name !== '_');
    const name = typeof named === 'string' ? named : onlyOne(bearer);
    const granted = name !== undefined && (bearer.namespaces === 'all' || bearer.namespaces.includes(name));
    const identity = granted ? await this.identities.byNamespace(name) : undefined;
    if (!identity) throw new Failure('forbidden');
    return identity;
  }

  /** Throws where a request proves nothing, whatever the namespace. */
  async requireAny(headers: IncomingHttpHeaders): Promise<void> {
    if (!(await this.bearer(headers))) await this.identities.authenticate(headers.authorization);
  }

  /** The bearer of a request's token; undefined where tokens do not count or there is none. Throws where it is no good. */
  private async bearer({ authorization }: IncomingHttpHeaders): Promise<Bearer | undefined> {
    if (!this.takesTokens || !this.tokens.configured || readBearer(authorization) === undefined) return undefined;
    const bearer = await this.tokens.verify(authorization);
    if (!bearer) throw new Failure('bad-credentials');
    return bearer;
  }
}

function onlyOne({ namespaces }: Bearer): string | undefined {
  return namespaces !== 'all' && namespaces.length === 1 ? namespaces[0] : undefined;
}
