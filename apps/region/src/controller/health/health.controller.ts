import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { toJsonText, type Json } from '#libs/domain';
import { jsonAnswer, sendAnswer } from '#libs/http';
import { Acceptance } from '../../kafka/acceptance.js';
import { RegionStorage } from '../../storage.module.js';
import { Lifecycle } from '../lifecycle.js';
import { readiness } from './readiness.js';

/** Tells whoever watches whether this controller lives and whether it should be sent requests. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly storage: RegionStorage,
    private readonly acceptance: Acceptance,
    private readonly lifecycle: Lifecycle,
  ) {}

  @Get('live')
  live(@Res() reply: FastifyReply): void {
    sendAnswer(reply, jsonAnswer(200, toJsonText({ live: true })));
  }

  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const [postgres, { queue, invokers }] = await Promise.all([this.storage.healthy(), this.acceptance.status()]);
    const report = readiness({ stopping: this.lifecycle.stopping, postgres, queue, invokers });
    sendAnswer(reply, jsonAnswer(report.ready ? 200 : 503, toJsonText(report as unknown as Json)));
  }
}
