import { Controller, Get, Res, UseGuards } from '@nestjs/common';
import { ReplicaStore } from '#libs/replication';
import type { FastifyReply } from 'fastify';
import { RegionDatabase } from '../region-database.js';
import { PeerGuard } from '../security/peer.guard.js';
import { WorldView } from '../world-view.js';

/** Where this region's replication stands; health is open to anyone who reaches the port, the state of the peers to peers. */
@Controller()
export class StatusController {
  constructor(
    private readonly world: WorldView,
    private readonly database: RegionDatabase,
    private readonly store: ReplicaStore,
  ) {}

  @Get('health/live')
  live() {
    return { live: true };
  }

  /** Ready when the database answers: peers that are away keep no region from being ready. */
  @Get('health/ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const database = await this.database.healthy();
    const peers = database ? await this.database.readPeerStatus() : [];
    reply.status(database ? 200 : 503);
    const warnings = peers.filter((peer) => peer.state === 'open').map((peer) => `region ${this.name(peer.peer)} cannot be reached`);
    return { ready: database, checks: { database }, warnings };
  }

  /** Per peer: the place it acknowledged in our feed, our place in its feed, and how far behind it is. */
  @Get('repl/v1/status')
  @UseGuards(PeerGuard)
  async status() {
    const published = new Map((await this.database.readPeerStatus()).map((status) => [status.peer, status]));
    const peers = await Promise.all(
      this.world.peers.map(async (region) => ({
        region: region.id,
        ...published.get(region.code),
        received: (await this.store.position(region.code)) ?? null,
      })),
    );
    return { region: this.world.self.id, peers };
  }

  private name(code: number): string {
    return this.world.peers.find((region) => region.code === code)?.id ?? String(code);
  }
}
