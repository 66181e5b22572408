import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Settings } from '../settings.js';

/** Lets operators pass and nobody else. */
@Injectable()
export class OperatorGuard implements CanActivate {
  constructor(private readonly settings: Settings) {}

  canActivate(context: ExecutionContext): boolean {
    this.settings.operators.name(context.switchToHttp().getRequest<FastifyRequest>().headers.authorization);
    return true;
  }
}
