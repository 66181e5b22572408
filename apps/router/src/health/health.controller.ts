import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Regions } from '../proxy/regions.js';
import { Draining } from './draining.js';

/** Tells whoever starts and balances routers how this one is. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly regions: Regions,
    private readonly draining: Draining,
  ) {}

  /** Whether the process runs. */
  @Get('live')
  live(): { live: true } {
    return { live: true };
  }

  /** Whether the world is whole: 200 when every region is ready and this router is not on its way out, else 503. */
  @Get('ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply): Readiness {
    const states = this.regions.all.map((region) => [region.id, stateOf(region.health)] as const);
    const ready = !this.draining.begun && states.every(([, state]) => state.ready);
    reply.status(ready ? 200 : 503);
    return { ready, ...(this.draining.begun ? { because: 'draining' } : {}), regions: Object.fromEntries(states) };
  }
}

interface RegionReadiness {
  readonly ready: boolean;
  readonly because?: string;
}

interface Readiness extends RegionReadiness {
  readonly regions: Readonly<Record<string, RegionReadiness>>;
}

function stateOf({ up, trouble, detail }: Regions['all'][number]['health']): RegionReadiness {
  return up ? { ready: true } : { ready: false, because: [trouble, detail].filter(Boolean).join(': ') };
}
