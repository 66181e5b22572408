import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Settings } from '../settings.js';
import { requireOperator } from './admin-auth.js';

/** Lets operators pass and nobody else. */
@Injectable()
export class OperatorGuard implements CanActivate {
  constructor(private readonly settings: Settings) {}

  canActivate(context: ExecutionContext): boolean {
    requireOperator(context.switchToHttp().getRequest<FastifyRequest>().headers.authorization, this.settings.adminToken);
    return true;
  }
}
