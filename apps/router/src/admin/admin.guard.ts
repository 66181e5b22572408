import { createHash, timingSafeEqual } from 'node:crypto';
import { Failure } from '#libs/domain';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** The administrative token, kept as a digest of the header that carries it. */
export class AdminToken {
  readonly #expected: Buffer;

  constructor(token: string) {
    this.#expected = digest(`Bearer ${token}`);
  }

  /** Whether an Authorization header carries the token; takes as long for a near miss as for a far one. */
  opens(authorization: string): boolean {
    return timingSafeEqual(digest(authorization), this.#expected);
  }
}

/** Lets in whoever carries the administrative token. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly token: AdminToken) {}

  canActivate(context: ExecutionContext): boolean {
    const given = context.switchToHttp().getRequest<FastifyRequest>().headers.authorization;
    if (given === undefined) throw new Failure('unauthenticated');
    if (!this.token.opens(given)) throw new Failure('bad-credentials');
    return true;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
