import { TLSSocket } from 'node:tls';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Failure, type WorldRegion } from '#libs/domain';
import type { FastifyRequest } from 'fastify';
import { Nudges } from '../push/nudges.js';
import { WorldView } from '../world-view.js';
import { regionNamed } from './identity.js';

/**
 * Lets peers in and nobody else: the connection must carry a certificate of the world's own authority that names another region of the world.
 * The server asks every client for one but leaves the refusal to this guard, so that health checks need none.
 */
@Injectable()
export class PeerGuard implements CanActivate {
  constructor(
    private readonly world: WorldView,
    private readonly nudges: Nudges,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const peer = this.peer(context.switchToHttp().getRequest<FastifyRequest>());
    this.nudges.heard(peer.id);
    return true;
  }

  /** The region that calls. Throws `unauthenticated` without a certificate, `forbidden` with one that is not a peer's. */
  peer(request: FastifyRequest): WorldRegion {
    const socket = request.raw.socket;
    if (!(socket instanceof TLSSocket)) throw new Failure('unauthenticated');
    const certificate = socket.getPeerCertificate();
    if (Object.keys(certificate).length === 0) throw new Failure('unauthenticated');
    const name = socket.authorized ? regionNamed(certificate) : undefined;
    const peer = name === undefined ? undefined : this.world.peer(name);
    if (!peer) throw new Failure('forbidden');
    return peer;
  }
}
