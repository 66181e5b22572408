import { sameSecret } from '#libs/auth';
import { Failure } from '#libs/domain';

/** Throws unless an `Authorization` header bears the operator's token. */
export function requireOperator(header: string | undefined, token: string): void {
  const given = /^Bearer +(.+?) *$/i.exec(header ?? '')?.[1];
  if (given === undefined) throw new Failure('unauthenticated');
  if (!sameSecret(given, token)) throw new Failure('bad-credentials');
}
