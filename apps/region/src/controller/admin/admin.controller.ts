import { Controller, Get, Param, Query, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ActivationStore } from '#libs/domain';
import { PgAudit } from '#libs/storage';
import { z } from 'zod';
import { Settings } from '../settings.js';
import { answer } from './admin-body.js';
import { OperatorGuard } from './operator.guard.js';
import { whyOf } from './why.js';

/** Entries of the audit log in one answer. */
const entriesMax = 1000;
const SinceMs = z.coerce.number().int().min(0).max(8.64e15).default(0);

/** What operators ask a region about what happened. */
@Controller('isochrone/v1')
@UseGuards(OperatorGuard)
export class AdminController {
  constructor(
    private readonly activations: ActivationStore,
    private readonly audit: PgAudit,
    private readonly settings: Settings,
  ) {}

  @Get('why/:transid')
  async why(@Param('transid') transid: string, @Res() reply: FastifyReply): Promise<void> {
    const records = await this.activations.byTransid(transid);
    answer(reply, 200, { region: this.settings.region.id, transid, activations: whyOf(records) });
  }

  /** The latest administrative calls since a time (epoch ms), oldest first. */
  @Get('audit')
  async calls(@Query('since', { schema: SinceMs }) since: number, @Res() reply: FastifyReply): Promise<void> {
    answer(reply, 200, { region: this.settings.region.id, entries: await this.audit.list(since, entriesMax) });
  }
}
