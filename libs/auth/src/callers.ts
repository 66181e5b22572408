import type { IncomingHttpHeaders } from 'node:http';
import { Failure } from '#libs/domain';
import type { Identities } from './identities.js';
import type { Identity } from './identity.js';
import { readBearer, type Tokens } from './tokens.js';

/** Says who calls the REST API: by an auth key, or by a token of the configured issuer, which acts in one of the namespaces that it grants. */
export class Callers {
  constructor(
    private readonly identities: Identities,
    readonly tokens: Tokens,
    /** Whether tokens count here at all; OpenWhisk knows none. */
    private readonly takesTokens: boolean,
  ) {}

  /**
   * The identity that a request proves. The namespace of a token is the one in `x-namespace-id`, or the only one that it grants; one that is
   * not granted is refused as one that does not exist.
   */
  async authenticate(headers: IncomingHttpHeaders): Promise<Identity> {
    const { authorization } = headers;
    if (!this.takesTokens || !this.tokens.configured || readBearer(authorization) === undefined)
      return this.identities.authenticate(authorization);
    const bearer = await this.tokens.verify(authorization);
    if (!bearer) throw new Failure('bad-credentials');
    const wanted = headers['x-namespace-id'];
    const only = bearer.namespaces !== 'all' && bearer.namespaces.length === 1 ? bearer.namespaces[0] : undefined;
    const name = typeof wanted === 'string' && wanted !== '' && wanted !== '_' ? wanted : only;
    const granted = name !== undefined && (bearer.namespaces === 'all' || bearer.namespaces.includes(name));
    const identity = granted ? await this.identities.byNamespace(name) : undefined;
    if (!identity) throw new Failure('forbidden');
    return identity;
  }
}
