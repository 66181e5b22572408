import { createHash, timingSafeEqual } from 'node:crypto';
import { Failure } from '#libs/domain';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Lets in whoever carries the administrative token. */
@Injectable()
export class AdminGuard implements CanActivate {
  readonly #expected: Buffer;

  constructor(token: string) {
    this.#expected = digest(`Bearer ${token}`);
  }

  canActivate(context: ExecutionContext): boolean {
    const given = context.switchToHttp().getRequest<FastifyRequest>().headers.authorization;
    if (given === undefined) throw new Failure('unauthenticated');
    if (!timingSafeEqual(digest(given), this.#expected)) throw new Failure('bad-credentials');
    return true;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
