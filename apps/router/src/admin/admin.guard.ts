import { Operators } from '#libs/auth';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Lets operators pass and nobody else. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly operators: Operators) {}

  canActivate(context: ExecutionContext): boolean {
    this.operators.name(context.switchToHttp().getRequest<FastifyRequest>().headers.authorization);
    return true;
  }
}
