import { Body, Controller, Delete, Get, Param, Post, Put, Query, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { LimitOverridesDoc, NamespaceLimits, Subjects } from '#libs/auth';
import { Failure, isUuid, limitNames, type LimitOverrides, type NamespaceId } from '#libs/domain';
import { PgErasures } from '#libs/storage';
import { z } from 'zod';
import { Settings } from '../settings.js';
import { answer, EntityName, jsonBody } from './admin-body.js';
import { Eraser } from './eraser.js';
import { KeyRotation } from './key-rotation.js';
import { OperatorGuard } from './operator.guard.js';

const SetLimits = jsonBody(LimitOverridesDoc);
type SetLimits = z.infer<typeof SetLimits>;

const LimitNames = z
  .string()
  .optional()
  .transform((text) => text?.split(','))
  .pipe(z.array(z.enum(limitNames)).optional());
type LimitNames = z.infer<typeof LimitNames>;

const NamespaceUuid = z
  .string()
  .refine(isUuid, 'the id of a namespace is a UUID')
  .transform((id) => id.toLowerCase() as NamespaceId);
const Erase = jsonBody(z.object({ namespaceId: NamespaceUuid }));
type Erase = z.infer<typeof Erase>;

/** What operators do to namespaces: limits, keys that encrypt, erasure. */
@Controller('isochrone/v1')
@UseGuards(OperatorGuard)
export class NamespacesController {
  constructor(
    private readonly limits: NamespaceLimits,
    private readonly subjects: Subjects,
    private readonly rotation: KeyRotation,
    private readonly eraser: Eraser,
    private readonly erasures: PgErasures,
    private readonly settings: Settings,
  ) {}

  @Get('limits/:namespace')
  async getLimits(@Param('namespace', { schema: EntityName }) namespace: string, @Res() reply: FastifyReply): Promise<void> {
    answer(reply, 200, { namespace, limits: await this.limits.get(namespace) });
  }

  @Put('limits/:namespace')
  async setLimits(
    @Param('namespace', { schema: EntityName }) namespace: string,
    @Body({ schema: SetLimits }) body: SetLimits,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.limits.set(namespace, body as LimitOverrides);
    answer(reply, 200, { namespace, limits: await this.limits.get(namespace) });
  }

  @Delete('limits/:namespace')
  async deleteLimits(
    @Param('namespace', { schema: EntityName }) namespace: string,
    @Query('names', { schema: LimitNames }) names: LimitNames,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const deleted = await this.limits.delete(namespace, names);
    if (deleted === 0) throw new Failure('not-found');
    answer(reply, 200, { namespace, deleted });
  }

  /** A new key encrypts from now on; what stands is encrypted anew page by page. */
  @Post('namespaces/:namespace/key')
  async rotateKey(@Param('namespace', { schema: EntityName }) namespace: string, @Res() reply: FastifyReply): Promise<void> {
    answer(reply, 201, { namespace, version: await this.rotation.rotate(await this.subjects.namespaceOf(namespace)) });
  }

  @Post('namespaces/:namespace/reencrypt')
  async reencrypt(
    @Param('namespace', { schema: EntityName }) namespace: string,
    @Query('after', { schema: z.string().max(4096).optional() }) after: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    answer(reply, 200, { namespace, ...(await this.rotation.reencrypt(await this.subjects.namespaceOf(namespace), after)) });
  }

  /** Erases a namespace that nobody has a key to any more. */
  @Post('erasures')
  async erase(@Body({ schema: Erase }) { namespaceId }: Erase, @Res() reply: FastifyReply): Promise<void> {
    await this.eraser.eraseNamespace(namespaceId);
    answer(reply, 202, { namespaces: [{ namespaceId }] });
  }

  @Get('erasures/:namespaceId')
  async erasure(@Param('namespaceId', { schema: NamespaceUuid }) namespaceId: NamespaceId, @Res() reply: FastifyReply): Promise<void> {
    const report = await this.erasures.report(namespaceId);
    if (!report) throw new Failure('not-found');
    answer(reply, 200, { region: this.settings.region.id, namespaceId, ...report });
  }
}
