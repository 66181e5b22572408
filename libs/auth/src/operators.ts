import { Failure } from '#libs/domain';
import { hashSecret, sameHash } from './credentials.js';

/** Who may administer: tokens by name, kept as digests. */
export class Operators {
  readonly #digests: readonly (readonly [name: string, digest: string])[];

  /** `token` is the first operator's, `named` are `name:token` entries of others. */
  constructor(token: string, named: readonly string[] = []) {
    const others = named.map((entry) => {
      const colon = entry.indexOf(':');
      return [entry.slice(0, colon), hashSecret(entry.slice(colon + 1))] as const;
    });
    this.#digests = [['operator', hashSecret(token)], ...others];
  }

  /** The name of whose token an `Authorization` header bears. Throws where it bears none; takes as long for a near miss as for a far one. */
  name(header: string | undefined): string {
    const given = /^Bearer +(.+?) *$/i.exec(header ?? '')?.[1];
    if (given === undefined) throw new Failure('unauthenticated');
    const digest = hashSecret(given);
    const names = this.#digests.flatMap(([name, expected]) => (sameHash(expected, digest) ? [name] : []));
    if (names[0] === undefined) throw new Failure('bad-credentials');
    return names[0];
  }
}
